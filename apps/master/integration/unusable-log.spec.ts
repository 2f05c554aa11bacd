import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EtcdCluster, LoneMaster } from '@overlay/testbed';

const PREFIX = '/overlay/';
const USER = { username: 'master', password: 'right' };

describe('a master whose log in etcd cannot be used', () => {
  let etcd: EtcdCluster;
  let master: LoneMaster;

  beforeAll(async () => {
    etcd = await EtcdCluster.start();
    master = await LoneMaster.start({ log: { dir: undefined, etcd: { endpoints: etcd.endpoints } } });
  });

  beforeEach(() => master.kill());

  afterAll(async () => {
    await master?.close();
    await etcd?.close();
  });

  /** What a master that starts and ends again says last. */
  async function lastWords(): Promise<string> {
    master.launch();
    expect(await master.waitExit()).toEqual({ exitCode: 1, signal: null });
    return master.logTail(1);
  }

  it('waits for an etcd that does not answer, says so, and leads when it does', async () => {
    await etcd.member(0).stop();
    master.launch();
    await master.waitListening();
    const readiness = await fetch(`${master.httpUrl}/readyz`);
    expect(readiness.status).toBe(503);
    const reason = expect.stringMatching(`^log: .*${etcd.endpoints[0]}`);
    expect(await readiness.json()).toMatchObject({ reasons: expect.arrayContaining([reason]) });
    await etcd.member(0).start();
    await master.waitReady();
    expect((await fetch(`${master.httpUrl}/readyz`)).status).toBe(200);
  });

  it.each([
    ['a foreign key under its prefix', 'strangers/0001', 'junk'],
    ['a corrupt record', 'agents/n1', '{"nodeId":'],
  ])('ends by the name of %s, and leaves it there', async (_case, key, value) => {
    const place = `${PREFIX}${key}`;
    await etcd.put(place, value);
    expect(await lastWords()).toContain(place);
    expect((await etcd.etcdctl('get', '--print-value-only', place)).trim()).toBe(value);
    await etcd.etcdctl('del', place);
  });

  // The last one: from then on etcd wants a user.
  it('ends when etcd refuses its password, or its user may not read the log', async () => {
    await etcd.enableAuth(USER, '/elsewhere/');
    expect(await lastWords()).toMatch(/log\.etcd.*user|user.*log\.etcd/);
    master.configure({ log: { etcd: { ...USER, password: 'wrong' } } });
    expect(await lastWords()).toMatch(/password/);
    master.configure({ log: { etcd: { ...USER } } });
    expect(await lastWords()).toMatch(/permission/);
  });
});
