import { setTimeout as sleep } from 'node:timers/promises';
import { MasterServiceService } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { createRpcClient } from '@overlay/rpc';
import { EtcdCluster, LoneMaster } from '@overlay/testbed';
import { SAMPLE_NETWORK, sampleIp } from './sample-agents.js';

const MASTERS = 3;
const GIVE_UP_MS = 60_000;
const PAUSE_MS = 5;

/**
 * Milliseconds from `kill -9` of the leader to the first registration that another master committed: the median of
 * several rounds with three masters on a cluster of three members of etcd.
 */
export async function measureFailover(rounds: number): Promise<number> {
  const etcd = await EtcdCluster.start({ size: 3 });
  const masters: LoneMaster[] = [];
  try {
    const log = { dir: undefined, etcd: { endpoints: etcd.endpoints, prefix: '/failover/' } };
    for (let count = 0; count < MASTERS; count += 1) {
      masters.push(await LoneMaster.start({ network: SAMPLE_NETWORK, log }));
    }
    const tookMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const leader = await firstToRegister(masters, round * 2);
      await leader.kill();
      const startMs = performance.now();
      await firstToRegister(
        masters.filter((master) => master !== leader),
        round * 2 + 1,
      );
      tookMs.push(performance.now() - startMs);
      await leader.start();
    }
    return tookMs.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0;
  } finally {
    await Promise.all(masters.map((master) => master.close()));
    await etcd.close();
  }
}

/** Registers one agent, asking the masters in turn as an agent does, and says which of them leads. */
async function firstToRegister(masters: readonly LoneMaster[], index: number): Promise<LoneMaster> {
  const clients = masters.map((master) => ({
    master,
    client: createRpcClient(MasterServiceService, { target: master.grpcAddress, timeoutMs: 1_000 }),
  }));
  const request = {
    nodeId: `failover-${index}`,
    ip: sampleIp(index),
    networkConfig: undefined,
    attributes: {},
  };
  const untilMs = performance.now() + GIVE_UP_MS;
  try {
    while (performance.now() < untilMs) {
      for (const { master, client } of clients) {
        const answer = await client.registerAgent(request).catch(() => undefined);
        if (answer !== undefined) return master;
      }
      await sleep(PAUSE_MS);
    }
  } finally {
    for (const { client } of clients) client.close();
  }
  throw new OverlayError('deadline_exceeded', `no master leads after ${GIVE_UP_MS} ms`);
}
