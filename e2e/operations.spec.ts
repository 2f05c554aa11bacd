import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import { type Container, type EchoResult, type ManagedProcess, type Master, Testbed } from '@overlay/testbed';
import { assignmentOf } from './cluster-state.js';
import { runProcedure } from './documented-procedure.js';
import { waitUntil } from './wait-until.js';

jest.setTimeout(150_000);

const NETWORKS = ['dcos', 'dcos6'];

/** An option of a process, `--name=value` on its command line. */
function optionOf({ spec }: ManagedProcess, name: string): string {
  const option = spec.argv.find((text) => text.startsWith(`--${name}=`));
  if (option === undefined) throw new OverlayError('not_found', `${spec.name} has no option --${name}`);
  return option.slice(name.length + 3);
}

describe('the procedures of docs/operations.md', () => {
  let testbed: Testbed;
  let left: Container;
  let right: Container;
  let stream: number;
  let before: readonly unknown[];

  /** What every host has, once all of it is configured. */
  async function assignments(master: Master): Promise<readonly unknown[]> {
    const addresses = testbed.hosts.map((host) => host.address.ipv4);
    const { agents = [] } = await master.waitSettled(addresses, NETWORKS, 45_000);
    return agents.map(assignmentOf);
  }

  async function expectNothingLost(): Promise<void> {
    expect(await assignments(await testbed.leader())).toEqual(before);
    const { linesEchoed } = await left.streamStatus(stream);
    await waitUntil('lines come back', async () => {
      const status = await left.streamStatus(stream);
      return status.linesEchoed > linesEchoed + 10 || status.error !== undefined;
    });
    expect(await left.streamStatus(stream)).toMatchObject({ ok: true });
  }

  /** Sends datagrams for as long as something runs. @returns those that were not answered. */
  async function datagramsDuring(story: () => Promise<void>): Promise<readonly EchoResult[]> {
    const lost: EchoResult[] = [];
    const ending = new AbortController();
    const sender = async (): Promise<void> => {
      while (!ending.signal.aborted) {
        const answer = await left.udp(right.ipv4 ?? '');
        if (!answer.ok) lost.push(answer);
        await sleep(5);
      }
    };
    const sending = sender();
    await story().finally(() => ending.abort());
    await sending;
    return lost;
  }

  const startMasters = (): Promise<unknown> =>
    Promise.all(testbed.masters.filter(({ running }) => !running).map((master) => master.start()));
  const stopMasters = (): Promise<unknown> => Promise.all(testbed.masters.map((master) => master.stop()));

  beforeAll(async () => {
    testbed = await Testbed.create({
      hosts: 2,
      masters: 3,
      log: 'etcd',
      etcdMembers: 3,
      label: 'operations',
    });
    const { master } = testbed;
    const dir = join(master.stateDir, 'overlay_replicated_log');
    master.configure({ log: { dir, etcd: undefined } });
    await master.start();
    await Promise.all(testbed.hosts.map((host) => host.start('listening')));
    before = await assignments(master);
    left = await testbed.host('h1').attachCni('dcos');
    right = await testbed.host('h2').attachCni('dcos');
    await right.serveEcho();
    stream = await left.openStream(right.ipv4 ?? '');
    await waitUntil('the stream is open', async () => (await left.streamStatus(stream)).ok);
  });

  afterAll(async () => {
    await testbed?.close();
  });

  it('move from one master to three', async () => {
    const { folder, master } = testbed;
    await master.stop();
    copyFileSync(master.configFile, join(folder, 'old-master.yaml'));
    master.configure({ log: { dir: undefined, etcd: { endpoints: testbed.etcd.endpoints } } });
    copyFileSync(master.configFile, join(folder, 'new-master.yaml'));
    copyFileSync(master.configFile, join(folder, 'master.yaml'));
    await runProcedure('From one master to three', 0, { folder });
    await startMasters();
    await expectNothingLost();
  });

  it('back etcd up and restore it after all its members were lost', async () => {
    const { etcd, folder } = testbed;
    const [endpoint = ''] = etcd.endpoints;
    await runProcedure('Back up etcd', 0, { folder, variables: { ENDPOINT: endpoint } });
    await stopMasters();
    for (const member of etcd.members) {
      await member.kill();
      rmSync(optionOf(member, 'data-dir'), { recursive: true });
    }
    for (const member of etcd.members) {
      const variables = {
        NAME: optionOf(member, 'name'),
        DATA_DIR: optionOf(member, 'data-dir'),
        PEER_URL: optionOf(member, 'initial-advertise-peer-urls'),
        CLUSTER: optionOf(member, 'initial-cluster'),
      };
      await runProcedure('Back up etcd', 1, { folder, variables });
      member.launch();
    }
    await etcd.waitReady();
    await runProcedure('Back up etcd', 2, { folder });
    await startMasters();
    await expectNothingLost();
  });

  it('back the log up as a file and restore it into an emptied etcd', async () => {
    const { etcd, folder } = testbed;
    const [endpoint = ''] = etcd.endpoints;
    await runProcedure('Back up either log', 0, { folder });
    await stopMasters();
    await runProcedure('Back up either log', 1, { folder, variables: { ENDPOINT: endpoint } });
    await startMasters();
    await expectNothingLost();
  });

  it('replace a master by one with another address', async () => {
    const [first, second, third] = testbed.masters;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three masters');
    await third.stop();
    const address = third.grpcAddress.replace(/\d+$/, '5090');
    third.configure({ listen: { grpc: address } });
    await third.start();
    const lost = await datagramsDuring(async () => {
      for (const { agent } of testbed.hosts) {
        agent.configure({ master: [first.grpcAddress, second.grpcAddress, address].join(',') });
        await agent.stop();
        await agent.start();
      }
    });
    expect(lost).toEqual([]);
    await Promise.all([first.stop(), second.stop()]);
    expect(await testbed.leader()).toBe(third);
    await expectNothingLost();
    await startMasters();
  });

  it('upgrade: the masters, the leader last, then the processes of one host after the other', async () => {
    const lost = await datagramsDuring(async () => {
      const leader = await testbed.leader();
      for (const master of [...testbed.masters.filter((one) => one !== leader), leader]) {
        await master.stop();
        await master.start();
      }
      for (const host of testbed.hosts) {
        for (const app of ['dataplane', 'ipam', 'agent'] as const) {
          await host[app].stop();
          await host[app].start();
        }
      }
    });
    expect(lost).toEqual([]);
    await expectNothingLost();
  });
});
