import { afterEach, describe, expect, it } from '@jest/globals';
import { type EtcdOverlayLogOptions, type OverlayLog, openEtcdOverlayLog } from '@overlay/overlay-log';
import { EtcdCluster } from '@overlay/testbed';
import { claim, claimedValues } from './log-reading.js';

const PREFIX = '/access/overlay/';
const USER = { username: 'master', password: 'right' };
const never = new AbortController().signal;

describe('the way to the log in etcd', () => {
  let cluster: EtcdCluster | undefined;
  const opened: OverlayLog[] = [];

  function open(options: EtcdOverlayLogOptions): OverlayLog {
    const log = openEtcdOverlayLog(options);
    opened.push(log);
    return log;
  }

  afterEach(async () => {
    await Promise.all(opened.map((log) => log.close()));
    await cluster?.close();
    cluster = undefined;
  });

  it('waits with its campaign for an etcd that does not answer, and says so to other calls', async () => {
    cluster = await EtcdCluster.start();
    await cluster.member(0).stop();
    const log = open({ endpoints: cluster.endpoints, prefix: PREFIX });
    const campaign = log.campaign('m1', never);
    await expect(log.load()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(log.load()).rejects.toThrow(cluster.endpoints[0]);
    await cluster.member(0).start();
    const { fence } = await campaign;
    await log.commit([claim('a')], fence);
    expect(await claimedValues(log)).toEqual(['a']);
  }, 30_000);

  it('speaks TLS and refuses a member of another authority', async () => {
    cluster = await EtcdCluster.start({ tls: true });
    const foreign = await EtcdCluster.start({ tls: true });
    try {
      const { endpoints, tls } = cluster;
      if (tls === undefined || foreign.tls === undefined) throw new Error('the cluster has no TLS');
      const log = open({ endpoints, prefix: PREFIX, tls });
      const { fence } = await log.campaign('m1', never);
      await log.commit([claim('a')], fence);
      expect(await claimedValues(log)).toEqual(['a']);
      const stranger = open({ endpoints, prefix: PREFIX, tls: foreign.tls });
      await expect(stranger.load()).rejects.toMatchObject({ code: 'unavailable' });
    } finally {
      await foreign.close();
    }
  }, 30_000);

  it('gives a user and a password, and says when etcd refuses them', async () => {
    cluster = await EtcdCluster.start();
    await cluster.enableAuth(USER, PREFIX);
    const { endpoints } = cluster;
    const log = open({ endpoints, prefix: PREFIX, auth: USER });
    const { fence } = await log.campaign('m1', never);
    await log.commit([claim('a')], fence);
    expect(await claimedValues(log)).toEqual(['a']);
    const wrong = open({ endpoints, prefix: PREFIX, auth: { ...USER, password: 'wrong' } });
    await expect(wrong.load()).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(wrong.campaign('m2', never)).rejects.toMatchObject({ code: 'unauthenticated' });
    const nobody = open({ endpoints, prefix: PREFIX });
    await expect(nobody.load()).rejects.toMatchObject({ code: 'unauthenticated' });
    const elsewhere = open({ endpoints, prefix: '/elsewhere/', auth: USER });
    await expect(elsewhere.load()).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(elsewhere.campaign('m2', never)).rejects.toMatchObject({ code: 'permission_denied' });
  }, 30_000);

  it('says that etcd wants no user', async () => {
    cluster = await EtcdCluster.start();
    const log = open({ endpoints: cluster.endpoints, prefix: PREFIX, auth: USER });
    await expect(log.load()).rejects.toMatchObject({ code: 'failed_precondition' });
  }, 30_000);

  it.each<[string, EtcdOverlayLogOptions]>([
    ['endpoints', { endpoints: [], prefix: PREFIX }],
    ['"/overlay"', { endpoints: ['http://127.0.0.1:1'], prefix: '/overlay' }],
    [
      'http://127.0.0.1:1',
      { endpoints: ['http://127.0.0.1:1'], prefix: PREFIX, tls: { ca: '/a', cert: '/b', key: '/c' } },
    ],
    [
      'log.etcd.tls.ca',
      { endpoints: ['https://127.0.0.1:1'], prefix: PREFIX, tls: { ca: '/nowhere', cert: '/b', key: '/c' } },
    ],
  ])('names %s when it cannot be used', (name, options) => {
    expect(() => open(options)).toThrow(name);
  });
});
