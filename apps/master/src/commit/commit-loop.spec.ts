import { describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import type { Mutation, NodeId } from '@overlay/model';
import { planRegistration } from '../cluster/plan-registration.js';
import type { PlannerState } from '../cluster/planner-state.js';
import { networkOf, requestOf, stateWith } from '../cluster/testing.js';
import { CommitLoop } from './commit-loop.js';

const DCOS = networkOf('dcos', ['9.0.0.0/8', 24]);

/** A log whose commits are held back until the test lets them through. */
function loopOver(outcomes: (Error | undefined)[]) {
  const commits: (readonly Mutation[])[] = [];
  const events: string[] = [];
  let reloads = 0;
  let revision = 0n;
  const loop = new CommitLoop(stateWith([DCOS]), 0n, {
    commit: async (mutations) => {
      await new Promise((resolve) => setImmediate(resolve));
      const failure = outcomes.shift();
      if (failure !== undefined) throw failure;
      commits.push(mutations);
      revision += 1n;
      return revision;
    },
    onCommitted: (_mutations, committed) => events.push(`applied ${committed}`),
    reload: async () => {
      reloads += 1;
      return { state: stateWith([DCOS]), revision };
    },
    upkeep: () => [],
    monotonicMs: () => 0,
  });
  const join = (id: string, ip: string) =>
    loop
      .submit((state: PlannerState) => {
        const plan = planRegistration(state, requestOf(id, ip), { isConnected: () => false });
        return { mutations: plan.mutations, answer: (at) => ({ node: plan.node, at }) };
      })
      .then((answer) => {
        events.push(`answered ${id as NodeId}`);
        return answer;
      });
  return { join, commits, events, reloads: () => reloads };
}

describe('CommitLoop', () => {
  it('commits what waits together, each planned on top of the one before', async () => {
    const { join, commits } = loopOver([]);
    const answers = await Promise.all([
      join('a', '10.0.0.1'),
      join('b', '10.0.0.2'),
      join('c', '10.0.0.3'),
      join('d', '10.0.0.4'),
    ]);
    expect(answers.map(({ node }) => node.vtepIp)).toEqual([
      '44.128.0.1',
      '44.128.0.2',
      '44.128.0.3',
      '44.128.0.4',
    ]);
    expect(commits).toHaveLength(2);
    expect(answers.map(({ at }) => at)).toEqual([1n, 2n, 2n, 2n]);
  });

  it('answers only after the commit was applied', async () => {
    const { join, events } = loopOver([]);
    await join('a', '10.0.0.1');
    expect(events).toEqual(['applied 1', 'answered a']);
  });

  it('commits nothing for a command that changes nothing', async () => {
    const { join, commits } = loopOver([]);
    await join('a', '10.0.0.1');
    await join('a', '10.0.0.1');
    expect(commits).toHaveLength(1);
  });

  it('fails one command without failing its batch', async () => {
    const { join } = loopOver([]);
    const first = join('a', '10.0.0.1');
    const wrong = join('b', '127.0.0.1');
    const third = join('c', '10.0.0.3');
    await expect(wrong).rejects.toMatchObject({ code: 'invalid_argument' });
    expect((await first).node.vtepIp).toBe('44.128.0.1');
    expect((await third).node.vtepIp).toBe('44.128.0.2');
  });

  it('answers an unknown outcome with unavailable, loads again, and goes on', async () => {
    const { join, reloads } = loopOver([new Error('the store is gone')]);
    await expect(join('a', '10.0.0.1')).rejects.toMatchObject({ code: 'unavailable' });
    expect((await join('b', '10.0.0.2')).node.vtepIp).toBe('44.128.0.1');
    expect(reloads()).toBe(1);
  });

  it('answers a claim that it did not know with aborted', async () => {
    const taken = new OverlayError('already_exists', 'claim/vtep/44.128.0.1 exists');
    const { join } = loopOver([taken]);
    const refused = join('a', '10.0.0.1');
    await expect(refused).rejects.toMatchObject({ code: 'aborted' });
    await expect(refused).rejects.toThrow('44.128.0.1');
  });
});
