import type { Peer } from '@overlay/contracts';
import type { Host, Testbed } from '@overlay/testbed';
import { DataplaneUnderTest } from './dataplane-under-test.js';
import { emptyHost } from './empty-host.js';
import { medianOf } from './median-of.js';
import { programRaw } from './program-raw.js';
import { planInlineEntries, planRawEntries, planRawHost } from './raw-batches.js';
import { samplePeer, samplePeers } from './sample-cluster.js';

const CHANGES = 5;

/** What so many peers on one host cost. */
export interface Programming {
  readonly peers: number;
  /** From the first frame until everything is in the kernel. */
  readonly seconds: number;
  /** Of these, what the tools took for forwarding entries and neighbours, which they write side by side. */
  readonly neighbourSeconds: number;
  /** And for nexthops and routes, of both families side by side. */
  readonly routeSeconds: number;
  /** Objects written for that. */
  readonly written: number;
  /** A killed process: from its start until it has described host and peers again and found everything in place. */
  readonly restartSeconds: number;
  readonly restartWrites: number;
  /** One peer that gets another underlay address: until it is in the kernel. */
  readonly changeSeconds: number;
  readonly changeWrites: number;
  readonly purgeSeconds: number;
  /** Resident memory of the process with everything in place, and its peak. */
  readonly memory: { readonly now: number; readonly peak: number };
}

/** Programs a snapshot of so many peers through the real process into a host that has nothing yet. */
export async function programPeers(testbed: Testbed, count: number): Promise<Programming> {
  const peers = samplePeers(count);
  const host = await testbed.addHost();
  await host.dataplane.start();
  const dataplane = new DataplaneUnderTest(host);
  try {
    await dataplane.applyHost();
    const { seconds, written } = await dataplane.applySnapshot(peers);
    await dataplane.expectWhole();
    const neighbourSeconds = await dataplane.stepSeconds('neighbours');
    const routeSeconds = await dataplane.stepSeconds('routes');
    const memory = await dataplane.memory();
    const restart = await restarted(host, dataplane, peers);
    const change = await changed(dataplane, peers);
    const purgeSeconds = await dataplane.purge();
    const steps = { seconds, neighbourSeconds, routeSeconds };
    return { peers: count, ...steps, written, memory, ...restart, ...change, purgeSeconds };
  } finally {
    dataplane.close();
    await host.dataplane.kill();
    await emptyHost(host);
    await testbed.removeHost(host);
  }
}

async function restarted(host: Host, dataplane: DataplaneUnderTest, peers: readonly Peer[]) {
  await host.dataplane.kill();
  const startMs = performance.now();
  await host.dataplane.start();
  const described = await dataplane.applyHost();
  const known = await dataplane.applySnapshot(peers);
  return {
    restartSeconds: (performance.now() - startMs) / 1000,
    restartWrites: described.written + known.written,
  };
}

/** Several single changes on one open stream; the median time, and the most writes of any. */
async function changed(dataplane: DataplaneUnderTest, peers: readonly Peer[]) {
  const changes = peers.slice(0, CHANGES).map((each, index) => ({ ...each, ip: `100.127.255.${index + 1}` }));
  const applied = await dataplane.applyChanges(peers, changes);
  return {
    changeSeconds: medianOf(applied.map(({ seconds }) => seconds)),
    changeWrites: Math.max(...applied.map(({ written }) => written)),
  };
}

/** Seconds of each step of programming the same entries by hand into a host that has nothing yet. */
export async function programByHand(
  testbed: Testbed,
  count: number,
  gateways: 'nexthop objects' | 'inline',
): Promise<ReadonlyMap<string, number>> {
  const peers = samplePeers(count);
  const entries = gateways === 'inline' ? planInlineEntries(peers) : planRawEntries(peers);
  const host = await testbed.addHost();
  try {
    await programRaw(host, planRawHost(samplePeer(0), host.address.ipv4));
    return await programRaw(host, entries);
  } finally {
    await emptyHost(host);
    await testbed.removeHost(host);
  }
}

/** All steps together. */
export function totalOf(steps: ReadonlyMap<string, number>): number {
  return [...steps.values()].reduce((sum, seconds) => sum + seconds, 0);
}
