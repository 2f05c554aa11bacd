import { describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import type { Mutation, NodeId } from '@overlay/model';
import { boundBytes, type CommitLimits, type CommitOrder, type CommitRoom } from '@overlay/overlay-log';
import { planRegistration } from '../cluster/plan-registration.js';
import type { PlannerState } from '../cluster/planner-state.js';
import { networkOf, requestOf, stateWith } from '../cluster/testing.js';
import { CommitLoop, type CommitLoopDeps } from './commit-loop.js';

const DCOS = networkOf('dcos', ['9.0.0.0/8', 24]);

/** A loop over a log that takes a turn of the event loop for each commit. */
function loopOver(outcomes: (Error | undefined)[], limits: Partial<CommitLimits> = {}, upkeep = noUpkeep) {
  const commits: (readonly Mutation[])[] = [];
  const events: string[] = [];
  let revision = 0n;
  const commit = async (mutations: readonly Mutation[]) => {
    events.push('sent');
    await new Promise((resolve) => setImmediate(resolve));
    const failure = outcomes.shift();
    if (failure !== undefined) throw failure;
    commits.push(mutations);
    revision += 1n;
    return revision;
  };
  return loopWith({ events, commits, limits, upkeep, commit });
}

/** A loop whose commits are settled by the test, in whatever order. One commit has room for two registrations. */
function heldLoop() {
  const events: string[] = [];
  const held: { readonly done: (revision: bigint) => void; readonly fail: (error: Error) => void }[] = [];
  const orders: CommitOrder[] = [];
  const commit = (_mutations: readonly Mutation[], order: CommitOrder) => {
    orders.push(order);
    return new Promise<bigint>((done, fail) => void held.push({ done, fail }));
  };
  const loop = loopWith({ events, commits: [], limits: { maxMutations: 10 }, upkeep: noUpkeep, commit });
  const joinMany = (count: number) =>
    Array.from({ length: count }, (_, host) => loop.join(`n${host}`, `10.0.0.${host + 1}`));
  return { ...loop, held, orders, joinMany };
}

const noUpkeep: CommitLoopDeps['upkeep'] = () => [];

interface LoopUnderTest {
  readonly events: string[];
  readonly commits: readonly (readonly Mutation[])[];
  readonly limits: Partial<CommitLimits>;
  readonly upkeep: CommitLoopDeps['upkeep'];
  readonly commit: CommitLoopDeps['commit'];
}

/** Whether leadership is over; changed by the test. */
interface Lease {
  over: boolean;
}

function loopWith({ events, commits, limits, upkeep, commit }: LoopUnderTest) {
  const lease: Lease = { over: false };
  const loop = new CommitLoop(stateWith([DCOS]), 0n, {
    commit,
    limits: { maxMutations: 1_000, maxBytes: 1_000_000, ...limits },
    isOver: () => lease.over,
    onCommitted: (_mutations, committed) => events.push(`applied ${committed}`),
    onAnswering: () => events.push('answering'),
    upkeep,
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
  return { loop, join, commits, events, lease };
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
    const { join, commits } = loopOver([], { maxMutations: 9 });
    const hosts = [1, 2, 3, 4, 5, 6, 7];
    const answers = await Promise.all(hosts.map((host) => join(`n${host}`, `10.0.0.${host}`)));
    expect(new Set(answers.map(({ node }) => node.vtepIp)).size).toBe(7);
    for (const mutations of commits) expect(mutations.length).toBeLessThanOrEqual(9);
  });

  it('closes a commit by its bytes too', async () => {
    const { loop, commits } = loopOver([], { maxBytes: 20_000 });
    const attributes = { text: 'x'.repeat(6_000) };
    const join = (host: number) =>
      loop.submit((state) => {
        const request = requestOf(`n${host}`, `10.0.0.${host}`, { attributes });
        return { ...planRegistration(state, request, { isConnected: () => false }), answer: () => host };
      });
    const hosts = [1, 2, 3, 4, 5, 6];
    expect(await Promise.all(hosts.map(join))).toEqual(hosts);
    for (const mutations of commits) expect(boundBytes(mutations)).toBeLessThanOrEqual(20_000);
    expect(commits.map(({ length }) => length)).toEqual([5, 10, 10, 5]);
  });

  it('refuses the command that no commit can hold, and goes on with all others', async () => {
    const { loop, join, commits } = loopOver([], { maxMutations: 9 });
    const [mutation] = planRegistration(stateWith([DCOS]), requestOf('z', '10.0.0.9'), {
      isConnected: () => false,
    }).mutations;
    if (mutation === undefined) throw new Error('nothing was planned');
    const tooMany = () =>
      loop.submit(() => ({ mutations: Array.from({ length: 10 }, () => mutation), answer: () => undefined }));
    const [first, refused, third] = [join('a', '10.0.0.1'), tooMany(), join('c', '10.0.0.3')];
    await expect(refused).rejects.toMatchObject({ code: 'resource_exhausted' });
    await expect(refused).rejects.toThrow('at most 9 changes');
    await expect(tooMany()).rejects.toMatchObject({ code: 'resource_exhausted' });
    expect((await first).node.vtepIp).toBe('44.128.0.1');
    expect((await third).node.vtepIp).toBe('44.128.0.2');
    expect(commits).toHaveLength(2);
    expect((await join('d', '10.0.0.4')).node.vtepIp).toBe('44.128.0.3');
  });

  it('tells nobody that his request is wrong because the log refused their commit', async () => {
    const { join } = loopOver([new OverlayError('invalid_argument', 'the request is too large')]);
    await expect(join('a', '10.0.0.1')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('gives upkeep what is left of a commit, and tells whether there was any', async () => {
    const planned = planRegistration(stateWith([DCOS]), requestOf('z', '10.0.0.9'), {
      isConnected: () => false,
    });
    const due = [...planned.mutations];
    const upkeep = (_state: PlannerState, room: CommitRoom) => {
      const count = due.findIndex((mutation) => !room.take([mutation]));
      return due.splice(0, count < 0 ? due.length : count);
    };
    const { loop, commits } = loopOver([], { maxMutations: 3 }, upkeep);
    expect([await loop.tick(), await loop.tick(), await loop.tick()]).toEqual([true, true, false]);
    expect(commits.map(({ length }) => length)).toEqual([3, 2]);
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

  it('answers nothing from memory after its lease, neither what changes nothing nor a refusal', async () => {
    const { loop, join, commits, lease } = loopOver([]);
    await join('a', '10.0.0.1');
    lease.over = true;
    const [known, wrong] = [join('a', '10.0.0.1'), join('b', '127.0.0.1')];
    await expect(known).rejects.toMatchObject({ code: 'aborted' });
    await expect(wrong).rejects.toMatchObject({ code: 'aborted' });
    expect((await loop.failed).code).toBe('aborted');
    expect(commits).toHaveLength(1);
  });

  it('asks for its lease when it answers what waited behind a commit, not when it planned that', async () => {
    const { held, join, lease, joinMany } = heldLoop();
    const [first] = joinMany(1);
    const again = join('n0', '10.0.0.1');
    lease.over = true;
    held[0]?.done(1n);
    expect(await Promise.allSettled([first, again])).toMatchObject([
      { status: 'fulfilled', value: { at: 1n } },
      { status: 'rejected', reason: { code: 'aborted' } },
    ]);
  });

  it('tells of nothing and answers nothing once it ended, whatever becomes of what is under way', async () => {
    const { loop, held, events, joinMany } = heldLoop();
    const joins = joinMany(3);
    loop.end(new OverlayError('unavailable', 'this master stopped leading'));
    held[0]?.done(1n);
    for (const outcome of await Promise.allSettled(joins))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    expect(events.filter((event) => event !== 'sent')).toEqual([]);
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
      { number: 4, behind: 3 },
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
