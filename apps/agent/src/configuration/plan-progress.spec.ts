import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { exampleNetwork } from './example-registration.js';
import { type FailureCounts, type PassResult, planProgress } from './plan-progress.js';

const network = exampleNetwork('dcos', 0);
const id = network.networkId;

function run(results: readonly PassResult[], maxAttempts: number) {
  let failures: FailureCounts = new Map();
  return results.map((result) => {
    const plan = planProgress([network], new Map([[id, result]]), failures, maxAttempts);
    failures = plan.failures;
    return plan.progress.get(id);
  });
}

const error: PassResult = { kind: 'error', error: 'no' };
const waiting: PassResult = { kind: 'waiting', reason: 'away' };
const configured: PassResult = { kind: 'configured' };

describe('planProgress', () => {
  it('retries up to the limit, then fails', () => {
    expect(run([error, error, error], 2)).toStrictEqual([
      { kind: 'retrying', error: 'no', failures: 1 },
      { kind: 'failed', error: 'no' },
      { kind: 'failed', error: 'no' },
    ]);
  });

  it('makes one attempt at least', () => {
    expect(run([error], 0)).toStrictEqual([{ kind: 'failed', error: 'no' }]);
  });

  it('uses no attempt up by waiting and forgets failures on success', () => {
    expect(run([error, waiting, waiting, error], 3).at(-1)).toMatchObject({ failures: 2 });
    expect(run([error, configured, error], 3).at(-1)).toMatchObject({ failures: 1 });
  });

  it('fails at once where trying again is hopeless', () => {
    expect(run([{ kind: 'hopeless', error: 'no block' }], 4)).toStrictEqual([
      { kind: 'failed', error: 'no block' },
    ]);
  });

  it('fails exactly after as many errors as allowed since the last success', () => {
    const result = fc.constantFrom(error, waiting, configured);
    fc.assert(
      fc.property(fc.array(result, { maxLength: 12 }), fc.integer({ min: 1, max: 10 }), (results, max) => {
        const last = run(results, max).at(-1);
        const sinceSuccess = results.slice(results.lastIndexOf(configured) + 1);
        const errors = sinceSuccess.filter((one) => one === error).length;
        if (results.at(-1) === error) expect(last?.kind).toBe(errors >= max ? 'failed' : 'retrying');
        else expect(last?.kind).toBe(results.at(-1)?.kind);
      }),
    );
  });
});
