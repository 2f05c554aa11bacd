import { describe, expect, it } from '@jest/globals';
import { type Sighting, type StateAnswer, watchState } from './watch-state.js';

async function watch(answers: readonly (string | StateAnswer | Error)[]) {
  const left = [...answers];
  const pauses: number[] = [];
  const sightings = watchState({
    readState: async () => {
      const answer = left.shift() ?? '{}';
      if (answer instanceof Error) throw answer;
      return typeof answer === 'string' ? { text: answer, doubt: '' } : answer;
    },
    pause: async (ms) => void pauses.push(ms),
    monotonicMs: () => 0,
    random: () => 1,
  });
  const seen: Sighting[] = [];
  for (const _ of answers) seen.push((await sightings.next()).value);
  return { seen, pauses };
}

describe('watchState', () => {
  it('parses only a state that changed', async () => {
    const one = '{"agents":[{"ip":"10.0.0.1"}]}';
    const { seen } = await watch([one, one, '{}']);
    expect(seen.map(({ kind }) => kind)).toEqual(['changed', 'unchanged', 'changed']);
    expect(seen[0]).toMatchObject({ cluster: { agents: [{ ip: '10.0.0.1' }] } });
  });

  it('tells why the master doubts a state, changed or not', async () => {
    const doubt = 'leader: no master leads';
    const { seen } = await watch([{ text: '{}', doubt }, { text: '{}', doubt }, '{}']);
    expect(seen).toMatchObject([
      { kind: 'changed', doubt },
      { kind: 'unchanged', doubt },
      { kind: 'unchanged', doubt: '' },
    ]);
  });

  it('tells failures, backs off and recovers', async () => {
    const { seen, pauses } = await watch([new Error('it is down'), new Error('it is down'), '{}', '{}']);
    expect(seen).toMatchObject([
      { kind: 'failed', reason: 'it is down', retryInMs: 2_000 },
      { kind: 'failed', retryInMs: 4_000 },
      { kind: 'changed' },
      { kind: 'unchanged' },
    ]);
    expect(pauses).toEqual([2_000, 4_000, 2_000]);
  });

  it('tells an answer that is no JSON, and does not take it for known', async () => {
    const { seen } = await watch(['<html>', '<html>', '{}']);
    expect(seen.map(({ kind }) => kind)).toEqual(['failed', 'failed', 'changed']);
    expect(seen[0]).toMatchObject({ reason: 'the answer is no JSON' });
  });
});
