import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type OverlayLog, openEtcdOverlayLog, termOf } from '@overlay/overlay-log';
import { describeOverlayLog } from '@overlay/overlay-log/testing';
import { EtcdCluster } from '@overlay/testbed';
import { contents, take } from '../src/contract/log-steps.js';
import { claim, claimedValues } from './log-reading.js';

const never = new AbortController().signal;
let cluster: EtcdCluster;
let prefixes = 0;

beforeAll(async () => {
  cluster = await EtcdCluster.start();
}, 30_000);
afterAll(() => cluster.close());

function freshPrefix(): string {
  prefixes += 1;
  return `/test-${prefixes}/overlay/`;
}

describeOverlayLog('the etcd driver', async () => {
  const options = { endpoints: cluster.endpoints, prefix: freshPrefix() };
  let log = openEtcdOverlayLog(options);
  return {
    log,
    async reopen() {
      await log.close();
      log = openEtcdOverlayLog(options);
      return log;
    },
    forget: (revision) => cluster.compact(revision + 1n),
    dispose: () => log.close(),
  };
});

describe('the log in etcd', () => {
  let prefix: string;
  let log: OverlayLog;
  let opened: OverlayLog[];

  function open(): OverlayLog {
    const another = openEtcdOverlayLog({ endpoints: cluster.endpoints, prefix });
    opened.push(another);
    return another;
  }

  beforeEach(() => {
    opened = [];
    prefix = freshPrefix();
    log = open();
  });
  afterEach(async () => {
    await Promise.all(opened.map((each) => each.close()));
  });

  it('writes nothing among the keys of something else', async () => {
    await cluster.put(`${prefix}other/key`, 'x');
    await expect(log.load()).rejects.toThrow(`has entries under ${prefix} but no format`);
    await expect(log.campaign('m1', never)).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining(`has entries under ${prefix} but no format`),
    });
    expect((await cluster.etcdctl('get', '--prefix', prefix, '--keys-only')).trim()).toBe(
      `${prefix}other/key`,
    );
  });

  it('does not begin inside another log', async () => {
    const { fence } = await log.campaign('m1', never);
    await log.commit([claim('a')], fence);
    const outer = prefix;
    prefix = `${outer}more/inside/`;
    await expect(open().campaign('m2', never)).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining(
        `another overlay log under ${outer}, whose keys those under ${prefix}`,
      ),
    });
    expect(await claimedValues(log)).toEqual(['a']);
  });

  it('lets a second candidate wait until the first resigns, and tells both who leads', async () => {
    const other = open();
    const first = await log.campaign('m1', never);
    const waiting = other.campaign('m2', never);
    const leaders: (string | undefined)[] = [];
    for await (const leader of other.watchLeader(never)) {
      leaders.push(leader);
      if (leader === 'm1') await first.resign();
      if (leader === 'm2') break;
    }
    expect(leaders.filter((leader) => leader !== undefined)).toEqual(['m1', 'm2']);
    const second = await waiting;
    expect(second.fence.epoch).toBeGreaterThan(first.fence.epoch);
    await expect(other.commit([claim('a')], first.fence)).rejects.toMatchObject({ code: 'aborted' });
    await other.commit([claim('a')], second.fence);
    expect(await claimedValues(log)).toEqual(['a']);
  });

  it('keeps leadership over several lives of its lease, with commits all the time', async () => {
    const leader = openEtcdOverlayLog({ endpoints: cluster.endpoints, prefix, leaseTtlSeconds: 2 });
    opened.push(leader);
    const { fence, lost } = await leader.campaign('m1', never);
    const end = performance.now() + 7_000;
    for (let number = 0; performance.now() < end; number += 1) {
      await leader.commit([claim(String(number))], fence);
    }
    expect(lost.aborted).toBe(false);
  }, 20_000);

  it('calls a campaign off while another leads', async () => {
    await log.campaign('m1', never);
    const stop = new AbortController();
    const waiting = open().campaign('m2', stop.signal);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  });

  it('tells a leader whose key was deleted, and refuses its commit', async () => {
    const { fence, lost } = await log.campaign('m1', never);
    const told = new Promise((resolve) => lost.addEventListener('abort', resolve));
    await cluster.etcdctl('del', `${prefix}leader`);
    await told;
    await expect(log.commit([claim('a')], fence)).rejects.toMatchObject({ code: 'aborted' });
  });

  it('loads more than one page, each entry once', async () => {
    const { fence } = await log.campaign('m1', never);
    const values = Array.from({ length: 4_100 }, (_, index) => String(10_000 + index));
    for (let first = 0; first < values.length; first += log.maxMutations) {
      await log.commit(
        values.slice(first, first + log.maxMutations).map((value) => claim(value)),
        fence,
      );
    }
    expect(await claimedValues(open())).toEqual(values);
  });

  it('tells a watcher in mid-course to load again when it lost history, and goes on from there', async () => {
    const { fence } = await log.campaign('m1', never);
    const first = await log.commit([claim('a')], fence);
    await log.commit([claim('b')], fence);
    await log.commit([claim('c')], fence);
    await cluster.compact();
    await expect(take(log, first, 1)).rejects.toMatchObject({ code: 'failed_precondition' });
    const { revision } = await log.load();
    const next = take(log, revision, 1);
    const fourth = await log.commit([claim('d')], fence);
    expect(await next).toEqual([{ revision: fourth, term: termOf(fence), mutations: [claim('d')] }]);
  });

  it('watches on over a compaction of revisions that are not its own', async () => {
    const { fence } = await log.campaign('m1', never);
    const first = await log.commit([claim('a')], fence);
    const early = take(log, first, 1);
    await cluster.put('/elsewhere', 'x');
    await cluster.compact();
    const late = take(open(), first, 1);
    const empty = take(openedEmpty(), 0n, 1).catch((thrown: unknown) => thrown);
    const second = await log.commit([claim('b')], fence);
    const expected = [{ revision: second, term: termOf(fence), mutations: [claim('b')] }];
    expect(await early).toEqual(expected);
    expect(await late).toEqual(expected);
    await Promise.all(opened.map((each) => each.close()));
    expect(await empty).toEqual([]);
  });

  function openedEmpty(): OverlayLog {
    const another = openEtcdOverlayLog({ endpoints: cluster.endpoints, prefix: freshPrefix() });
    opened.push(another);
    return another;
  }

  it('names a key under its prefix that is none of its own', async () => {
    await log.campaign('m1', never);
    await cluster.put(`${prefix}somebody/else`, 'x');
    await expect(contents(log)).rejects.toMatchObject({ code: 'data_loss' });
    await expect(contents(log)).rejects.toThrow(`etcdctl del ${prefix}somebody/else`);
  });

  it('names a record that cannot be read, in a load and in a watch', async () => {
    const { fence } = await log.campaign('m1', never);
    await cluster.put(`${prefix}node/n1`, '{"id":');
    await expect(contents(log)).rejects.toMatchObject({ code: 'data_loss' });
    await expect(contents(log)).rejects.toThrow('node/n1');
    await log.commit([], fence);
    await expect(take(open(), 0n, 2)).rejects.toThrow('node/n1');
  });

  it('refuses a format that it does not know and leaves it as it is', async () => {
    const { fence } = await log.campaign('m1', never);
    await cluster.put(`${prefix}meta/format`, '2');
    await expect(log.load()).rejects.toMatchObject({ code: 'failed_precondition' });
    await expect(log.load()).rejects.toThrow('"2"');
    await expect(log.commit([claim('a')], fence)).rejects.toMatchObject({ code: 'failed_precondition' });
    await log.close();
    await expect(open().campaign('m1', never)).rejects.toMatchObject({ code: 'failed_precondition' });
    expect(await cluster.etcdctl('get', `${prefix}meta/format`, '--print-value-only')).toBe('2\n');
  });

  it('refuses entries without a format', async () => {
    await cluster.put(`${prefix}claim/block/a`, '{"nodeId":"n1"}');
    await expect(log.load()).rejects.toMatchObject({ code: 'failed_precondition' });
  });
});
