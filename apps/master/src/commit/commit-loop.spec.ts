import { describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import type { Mutation, NodeId } from '@overlay/model';
import type { CommitOrder } from '@overlay/overlay-log';
import { planRegistration } from '../cluster/plan-registration.js';
import type { PlannerState } from '../cluster/planner-state.js';
import { networkOf, requestOf, stateWith } from '../cluster/testing.js';
import { CommitLoop } from './commit-loop.js';

const DCOS = networkOf('dcos', ['9.0.0.0/8', 24]);

/** A loop over a log that takes a turn of the event loop for each commit. */
function loopOver(outcomes: (Error | undefined)[], maxMutations = 1_000) {
  const commits: (readonly Mutation[])[] = [];
  const events: string[] = [];
  let revision = 0n;
  return loopWith(events, maxMutations, commits, async (mutations) => {
    events.push('sent');
    await new Promise((resolve) => setImmediate(resolve));
    const failure = outcomes.shift();
    if (failure !== undefined) throw failure;
    commits.push(mutations);
    revision += 1n;
    return revision;
  });
}

/** A loop whose commits are settled by the test, in whatever order. One commit has room for two registrations. */
function heldLoop() {
  const events: string[] = [];
  const held: { readonly done: (revision: bigint) => void; readonly fail: (error: Error) => void }[] = [];
  const orders: CommitOrder[] = [];
  const loop = loopWith(events, 10, [], (_mutations, order) => {
    orders.push(order);
    return new Promise((done, fail) => void held.push({ done, fail }));
  });
  const joinMany = (count: number) =>
    Array.from({ length: count }, (_, host) => loop.join(`n${host}`, `10.0.0.${host + 1}`));
  return { ...loop, held, orders, joinMany };
}

function loopWith(
  events: string[],
  maxMutations: number,
  commits: readonly (readonly Mutation[])[],
  commit: (mutations: readonly Mutation[], order: CommitOrder) => Promise<bigint>,
) {
  const loop = new CommitLoop(stateWith([DCOS]), 0n, {
    commit,
    maxMutations,
    onCommitted: (_mutations, committed) => events.push(`applied ${committed}`),
    onAnswering: () => events.push('answering'),
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
  return { loop, join, commits, events };
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
    expect(events).toEqual(['sent', 'applied 1', 'answering', 'answered a']);
  });

  it('sends the next commit before it answers the one before', async () => {
    const { join, events } = loopOver([]);
    await Promise.all([join('a', '10.0.0.1'), join('b', '10.0.0.2')]);
    expect(events.slice(0, 3)).toEqual(['sent', 'applied 1', 'sent']);
    expect(events.filter((event) => event.startsWith('answer'))).toEqual([
      ...['answering', 'answered a'],
      ...['answering', 'answered b'],
    ]);
  });

  it('answers what is durable although the next commit fails', async () => {
    const { join } = loopOver([undefined, new Error('the store is gone')]);
    const [durable, unknown] = [join('a', '10.0.0.1'), join('b', '10.0.0.2')];
    await expect(unknown).rejects.toMatchObject({ code: 'unavailable' });
    expect((await durable).at).toBe(1n);
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

  it('puts no more into a commit than the log takes', async () => {
    const { join, commits } = loopOver([], 9);
    const hosts = [1, 2, 3, 4, 5, 6, 7];
    const answers = await Promise.all(hosts.map((host) => join(`n${host}`, `10.0.0.${host}`)));
    expect(new Set(answers.map(({ node }) => node.vtepIp)).size).toBe(7);
    for (const mutations of commits) expect(mutations.length).toBeLessThanOrEqual(9);
  });

  it('ends with an unknown outcome: whoever waits is told to try again, and nothing is committed any more', async () => {
    const { loop, join, commits } = loopOver([undefined, new Error('the store is gone')]);
    await join('a', '10.0.0.1');
    const [unknown, waiting] = [join('b', '10.0.0.2'), join('c', '10.0.0.3')];
    await expect(unknown).rejects.toMatchObject({ code: 'unavailable' });
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
    await expect(join('d', '10.0.0.4')).rejects.toMatchObject({ code: 'unavailable' });
    expect((await loop.failed).message).toContain('the store is gone');
    expect(commits).toHaveLength(1);
  });

  it('answers a claim that it did not know with aborted', async () => {
    const taken = new OverlayError('already_exists', 'claim/vtep/44.128.0.1 exists');
    const { join } = loopOver([taken]);
    const refused = join('a', '10.0.0.1');
    await expect(refused).rejects.toMatchObject({ code: 'aborted' });
    await expect(refused).rejects.toThrow('44.128.0.1');
  });

  it('sends a second commit behind the first only when it is full', () => {
    const { held, join, joinMany } = heldLoop();
    void joinMany(3);
    expect(held).toHaveLength(1);
    void join('n3', '10.0.0.4');
    expect(held).toHaveLength(2);
  });

  it('has two commits on their way where more waits, never three, and answers in their order', async () => {
    const { held, orders, events, joinMany } = heldLoop();
    const [first, ...others] = joinMany(7);
    held[0]?.done(1n);
    expect((await first)?.at).toBe(1n);
    expect(held).toHaveLength(3);
    held[2]?.done(3n);
    await new Promise((resolve) => setImmediate(resolve));
    expect(events.filter((event) => event.startsWith('applied'))).toEqual(['applied 1']);
    held[1]?.done(2n);
    await Promise.all(others.slice(0, 4));
    held[3]?.done(4n);
    const answers = await Promise.all(others);
    expect(answers.map(({ at }) => at)).toEqual([2n, 2n, 3n, 3n, 4n, 4n]);
    expect(orders).toEqual([
      { number: 1 },
      { number: 2, behind: 1 },
      { number: 3, behind: 2 },
      { number: 4 },
    ]);
    expect(events.filter((event) => event.startsWith('applied'))).toEqual(
      [1, 2, 3, 4].map((revision) => `applied ${revision}`),
    );
  });

  it('takes nothing for committed that was behind a commit that failed', async () => {
    const { held, events, join, joinMany } = heldLoop();
    const [first, ...others] = joinMany(7);
    held[0]?.done(1n);
    await first;
    held[2]?.done(3n);
    held[1]?.fail(new Error('the store is gone'));
    for (const outcome of await Promise.allSettled(others))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    await expect(join('late', '10.0.0.99')).rejects.toMatchObject({ code: 'unavailable' });
    expect(held).toHaveLength(3);
    expect(events.filter((event) => event.startsWith('applied'))).toEqual(['applied 1']);
  });
});
