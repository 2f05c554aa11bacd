import { describe, expect, it } from '@jest/globals';
import type { CheckResult } from './check.js';
import { formatRate, listFailures, medianMs } from './report.js';

const result = (to: string, ok: boolean, ms: number): CheckResult => ({
  from: 'a',
  to,
  family: 'ipv6',
  kind: 'ping',
  ok,
  ms,
  ...(ok ? {} : { error: 'no answer' }),
});

describe('the report', () => {
  it('tells failures in words and counts what it leaves out', () => {
    const results = [
      result('b', false, 0),
      result('c', true, 1),
      result('d', false, 0),
      result('e', false, 0),
    ];
    expect(listFailures(results, 2)).toEqual([
      'ping a → b over ipv6: no answer',
      'ping a → d over ipv6: no answer',
      'and 1 more',
    ]);
  });

  it('has the median of what worked', () => {
    expect(
      medianMs([result('b', true, 3), result('c', true, 1), result('d', false, 0), result('e', true, 2)]),
    ).toBe(2);
    expect(medianMs([])).toBeUndefined();
  });

  it('writes rates in Gbit/s', () => {
    expect(formatRate(9_412_000_000)).toBe('9.41 Gbit/s');
  });
});
