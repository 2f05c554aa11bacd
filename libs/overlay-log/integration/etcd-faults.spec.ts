import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isFailure } from '@overlay/failure';
import { type Fence, type LogChange, type OverlayLog, openEtcdOverlayLog } from '@overlay/overlay-log';
import { EtcdCluster } from '@overlay/testbed';
import { claim, claimedValues } from './log-reading.js';

const CHILD = join(__dirname, 'lead-child.mjs');
const PREFIX = '/faults/overlay/';
const never = new AbortController().signal;

describe('the log in etcd under faults', () => {
  let cluster: EtcdCluster;
  let child: ChildProcess | undefined;
  let opened: OverlayLog[];

  function open(): OverlayLog {
    const log = openEtcdOverlayLog({ endpoints: cluster.endpoints, prefix: PREFIX });
    opened.push(log);
    return log;
  }

  beforeEach(() => {
    opened = [];
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    child = undefined;
    await Promise.all(opened.map((log) => log.close()));
    await cluster.close();
  }, 30_000);

  it('refuses a leader that was paused past its lease, which knows before it writes again', async () => {
    cluster = await EtcdCluster.start();
    child = spawn(process.execPath, [CHILD, PREFIX, ...cluster.endpoints], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const said = linesOf(child);
    const epoch = BigInt((await said()).replace('leads ', ''));
    child.stdin?.write('before\n');
    expect(await said()).toBe('committed before');
    child.kill('SIGSTOP');
    const log = open();
    const { fence } = await log.campaign('m2', never);
    await log.commit([claim('taken')], fence);
    const stale: Fence = { candidate: 'child', epoch };
    await expect(log.commit([claim('stale')], stale)).rejects.toMatchObject({ code: 'aborted' });
    // Nobody answers the child now: what it says, it knows by its own clock.
    cluster.member(0).pause();
    child.stdin?.write('after\n');
    child.kill('SIGCONT');
    expect([await said(), await said()].toSorted()).toEqual(['failed after aborted', 'lost']);
    cluster.member(0).resume();
    expect(await claimedValues(log)).toEqual(['before', 'taken']);
  }, 30_000);

  it('ends every leadership when etcd is restored from a backup, and is led again from what is there', async () => {
    cluster = await EtcdCluster.start();
    const member = cluster.member(0);
    const data = join(cluster.folder, member.spec.name);
    const log = open();
    const before = await log.campaign('m1', never);
    await log.commit([claim('kept')], before.fence);
    await member.stop();
    cpSync(data, join(cluster.folder, 'backup'), { recursive: true });
    await member.start();
    const other = open();
    const watching = other.campaign('m2', never);
    for (let number = 0; number < 20; number += 1) await log.commit([claim(`lost-${number}`)], before.fence);
    await member.stop();
    rmSync(data, { recursive: true });
    cpSync(join(cluster.folder, 'backup'), data, { recursive: true });
    await member.start();
    // Its key and its lease may be in the backup: by those it would go on, with commits in memory that are gone.
    if (!before.lost.aborted) await once(before.lost, 'abort');
    await before.resign();
    const next = await Promise.race([watching, log.campaign('m1', never)]);
    for (let number = 0; number < 3; number += 1) {
      await sleep(1_000);
      expect(next.lost.aborted).toBe(false);
    }
    const led = next.fence.candidate === 'm1' ? log : other;
    await led.commit([claim('new')], next.fence);
    expect(await claimedValues(led)).toEqual(['kept', 'new']);
  }, 60_000);

  it('gives leadership and campaigns up before a silent etcd has had its time', async () => {
    cluster = await EtcdCluster.start();
    const log = open();
    const leadership = await log.campaign('m1', never);
    cluster.member(0).pause();
    const other = open();
    const leaving = new AbortController();
    const campaign = other.campaign('m2', leaving.signal);
    const givenUp = log.load().catch(() => 'the load was given up');
    const left = expect(campaign).rejects.toMatchObject({ code: 'aborted' });
    leaving.abort();
    const ended = left
      .then(() => leadership.resign())
      .then(() => Promise.all([log.close(), other.close()]))
      .then(() => 'all ended');
    await expect(Promise.race([ended, givenUp])).resolves.toBe('all ended');
    cluster.member(0).resume();
    await givenUp;
  }, 30_000);

  it.each([
    [3, 1],
    [5, 2],
  ])(
    'of %i members goes on without %i, refuses without one more, and has nothing half done afterwards',
    async (size, fewer) => {
      cluster = await EtcdCluster.start({ size });
      const log = open();
      const history = new History(log);
      await history.lead();
      await history.commit(10);

      for (let member = 0; member < fewer; member += 1) {
        await cluster.member(member).kill();
        await history.commit(10);
      }
      expect(history.acknowledged.size).toBeGreaterThan(5 + 10 * fewer);

      await cluster.member(fewer).kill();
      const before = [history.acknowledged.size, history.unknown.size];
      await history.commit(1);
      expect([history.acknowledged.size, history.unknown.size - 1]).toEqual(before);
      await expect(log.load()).rejects.toMatchObject({ code: 'unavailable' });

      for (let member = 0; member <= fewer; member += 1) cluster.member(member).launch();
      await cluster.waitReady();
      await history.lead();
      await history.commit(10);
      await history.check();
    },
    60_000,
  );

  it('shows a watcher every commit once while members restart one by one, and then all at once', async () => {
    cluster = await EtcdCluster.start({ size: 3 });
    const history = new History(open());
    await history.lead();
    const stop = new AbortController();
    const seen: LogChange[] = [];
    const watching = follow(open(), stop.signal, seen);
    for (const member of cluster.members) {
      await history.commit(5);
      await member.kill();
      await history.commit(5);
      await member.start();
    }
    await cluster.restart();
    await history.lead();
    const last = await history.commit(5);
    await until(() => seen.at(-1)?.revision === last);
    stop.abort();
    await watching;
    await history.check();
    const created = seen.flatMap(({ mutations }) => mutations.map((mutation) => JSON.stringify(mutation)));
    expect(new Set(created).size).toBe(created.length);
    expect(created).toHaveLength((await claimedValues(open())).length);
  }, 60_000);

  it('moves on from a member that was paused, in its calls and in its watches', async () => {
    cluster = await EtcdCluster.start({ size: 3 });
    const history = new History(open());
    await history.lead();
    const stop = new AbortController();
    const seen: LogChange[] = [];
    const watching = follow(open(), stop.signal, seen);
    const first = await history.commit(1);
    await until(() => seen.at(-1)?.revision === first);
    cluster.member(0).pause();
    await history.lead();
    const last = await history.commit(3);
    await until(() => seen.at(-1)?.revision === last);
    cluster.member(0).resume();
    stop.abort();
    await watching;
    await history.check();
  }, 60_000);
});

/** Commits pairs of claims, remembers what was acknowledged, and checks that nothing of it is lost or halved. */
class History {
  readonly acknowledged = new Set<string>();
  readonly unknown = new Set<string>();
  readonly #log: OverlayLog;
  #fence: Fence | undefined;
  #lost: AbortSignal = AbortSignal.abort();
  #number = 0;

  constructor(log: OverlayLog) {
    this.#log = log;
  }

  /** Leads, anew if leadership was lost. */
  async lead(): Promise<void> {
    if (!this.#lost.aborted) return;
    const { fence, lost } = await this.#log.campaign('m1', never);
    this.#fence = fence;
    this.#lost = lost;
  }

  /** Tries so many commits one after the other. Resolves with the revision of the last that was acknowledged. */
  async commit(count: number): Promise<bigint> {
    let revision = 0n;
    for (let tries = 0; tries < count && this.#fence !== undefined; tries += 1) {
      this.#number += 1;
      const name = String(this.#number);
      try {
        revision = await this.#log.commit([claim(`${name}-a`), claim(`${name}-b`)], this.#fence);
        this.acknowledged.add(name);
      } catch (thrown) {
        if (isFailure(thrown, 'unavailable')) this.unknown.add(name);
        else if (!isFailure(thrown, 'aborted')) throw thrown;
      }
    }
    return revision;
  }

  async check(): Promise<void> {
    const values = new Set(await claimedValues(this.#log));
    const names = new Set([...values].map((value) => value.replace(/-[ab]$/, '')));
    const halves = [...names].filter((name) => !values.has(`${name}-a`) || !values.has(`${name}-b`));
    const missing = [...this.acknowledged].filter((name) => !names.has(name));
    const invented = [...names].filter((name) => !this.acknowledged.has(name) && !this.unknown.has(name));
    expect({ halves, missing, invented }).toEqual({ halves: [], missing: [], invented: [] });
  }
}

async function follow(log: OverlayLog, signal: AbortSignal, seen: LogChange[]): Promise<void> {
  for await (const change of log.watch(0n, signal)) seen.push(change);
}

async function until(reached: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!reached()) {
    if (performance.now() > deadline) throw new Error('the watch did not get there');
    await sleep(20);
  }
}

function linesOf(child: ChildProcess): () => Promise<string> {
  if (child.stdout === null) throw new Error('the child has no output');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => String((await lines.next()).value);
}
