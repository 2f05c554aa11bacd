import { setTimeout as sleep } from 'node:timers/promises';
import { OverlayError } from '@overlay/failure';
import { VTEP_DEVICE } from '@overlay/model';
import type { Host, Testbed } from '@overlay/testbed';
import { DataplaneUnderTest } from './dataplane-under-test.js';
import { medianOf } from './median-of.js';
import { samplePeer, samplePeers } from './sample-cluster.js';

const ROUNDS = 3;
const GIVE_UP_MS = 30_000;
const PAUSE_MS = 5;
/** Who repairs the same entry again and again is made to wait; this is long enough to count as calm. */
const BETWEEN_MS = 400;

/** Something that somebody does by hand, and where it shows. */
interface Damage {
  readonly kind: string;
  readonly by: (round: number) => readonly string[];
  readonly look: readonly string[];
}

const ip = (text: string): readonly string[] => ['ip', ...text.split(' ')];

/** Another entry in each round, so that no entry looks as if somebody fought for it. */
function planDamages(): readonly Damage[] {
  const of = (round: number) => samplePeer(round + 1);
  const block = (round: number, nth: number) => of(round).prefixes[nth]?.prefix ?? '';
  const rules = ['inet', 'overlay', 'postrouting', 'counter'];
  return [
    {
      kind: 'neighbour',
      by: (round) => ip(`neigh del ${of(round).vtepIp} dev ${VTEP_DEVICE}`),
      look: ip('neigh show nud permanent'),
    },
    {
      kind: 'forwarding entry',
      by: (round) => ['bridge', 'fdb', 'del', of(round).vtepMac, 'dev', VTEP_DEVICE],
      look: ['bridge', 'fdb', 'show', 'dev', VTEP_DEVICE],
    },
    { kind: 'IPv4 route', by: (round) => ip(`route del ${block(round, 0)}`), look: ip('route show') },
    { kind: 'IPv6 route', by: (round) => ip(`-6 route del ${block(round, 1)}`), look: ip('-6 route show') },
    {
      kind: 'nexthop with its routes',
      by: (round) => ip(`nexthop del id ${0x4f800000 + round + 10}`),
      look: ip('route show'),
    },
    { kind: 'rule', by: () => ip('-4 rule del priority 30042'), look: ip('-4 rule show') },
    { kind: 'bridge address', by: () => ip('addr del 9.0.0.1/27 dev m-dcos'), look: ip('-o addr show') },
    { kind: 'nftables table', by: () => ['nft', 'add', 'rule', ...rules], look: ['nft', 'list', 'ruleset'] },
    { kind: 'VTEP', by: () => ip(`link del ${VTEP_DEVICE}`), look: ip('route show table all') },
  ];
}

/** Milliseconds from a damage by hand until the kernel lists what it listed before: the median for each kind. */
export async function measureRepairs(testbed: Testbed, peers: number): Promise<ReadonlyMap<string, number>> {
  const host = await testbed.addHost();
  await host.dataplane.start();
  const dataplane = new DataplaneUnderTest(host);
  try {
    await dataplane.applyHost();
    await dataplane.applySnapshot(samplePeers(peers));
    const medians = new Map<string, number>();
    for (const damage of planDamages()) {
      const tookMs: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) tookMs.push(await repaired(host, damage, round));
      medians.set(damage.kind, medianOf(tookMs));
    }
    return medians;
  } finally {
    dataplane.close();
    await testbed.removeHost(host);
  }
}

async function repaired(host: Host, { kind, by, look }: Damage, round: number): Promise<number> {
  const list = async () => (await host.execOrFail(look)).split('\n').sort().join('\n');
  await sleep(BETWEEN_MS);
  const healthy = await list();
  await host.execOrFail(by(round));
  const startMs = performance.now();
  while ((await list()) !== healthy) {
    if (performance.now() - startMs > GIVE_UP_MS)
      throw new OverlayError('deadline_exceeded', `a ${kind} was not repaired within ${GIVE_UP_MS} ms`);
    await sleep(PAUSE_MS);
  }
  return performance.now() - startMs;
}
