import { type Container, type Host, type NetworkNamespace, Testbed } from '@overlay/testbed';
import { medianOf } from './median-of.js';

const NETWORK = 'dcos';
const MTU = 1420;
const WARM_UP_SECONDS = 1;

/** Gbit/s of both ways through the same two hosts, medians of rounds that alternate between them and in their order. */
export interface Throughputs {
  readonly overlay: number;
  readonly handMade: number;
}

interface Ends {
  readonly client: NetworkNamespace;
  readonly server: Container;
}

/** TCP from container to container across hosts: through the product, and through a VXLAN path made by hand. */
export async function measureThroughput(rounds: number, seconds: number): Promise<Throughputs> {
  const testbed = await Testbed.create({ hosts: 2, label: 'bench-tunnel' });
  try {
    await testbed.start();
    await testbed.waitSettled([NETWORK]);
    const [left, right] = testbed.hosts as [Host, Host];
    const overlay = { client: await left.attachCni(NETWORK), server: await right.attachCni(NETWORK) };
    await makeTunnel(left, right, 1);
    await makeTunnel(right, left, 2);
    const handMade = { client: await attachByHand(left, 1), server: await attachByHand(right, 2) };
    const figures = { overlay: [] as number[], handMade: [] as number[] };
    for (const ends of [overlay, handMade]) await gbits(ends, WARM_UP_SECONDS);
    const ways = [
      { ends: overlay, into: figures.overlay },
      { ends: handMade, into: figures.handMade },
    ];
    for (let round = 0; round < rounds; round += 1) {
      // Whoever comes second in a round would always meet what the first left warm.
      const order = round % 2 === 0 ? ways : [...ways].reverse();
      for (const { ends, into } of order) into.push(await gbits(ends, seconds));
    }
    return { overlay: medianOf(figures.overlay), handMade: medianOf(figures.handMade) };
  } finally {
    await testbed.close();
  }
}

async function gbits({ client, server }: Ends, seconds: number): Promise<number> {
  const { bitsPerSecond } = await client.throughput(server, server.ipv4 ?? '', seconds);
  return bitsPerSecond / 1e9;
}

/** A VXLAN device with the entries for one peer, routed: what a script of an hour would do. */
function makeTunnel(host: Host, peer: Host, n: number): Promise<void> {
  const other = 3 - n;
  const tunnel = `type vxlan id 77 dstport 8472 local ${host.address.ipv4} nolearning`;
  return host
    .ip(
      `link add name hand0 up address 02:77:00:00:00:0${n} mtu ${MTU} ${tunnel}`,
      `addr add 10.77.0.${n}/24 dev hand0`,
      `neigh add 10.77.0.${other} lladdr 02:77:00:00:00:0${other} dev hand0 nud permanent`,
      `route add 10.78.${other}.0/24 via 10.77.0.${other} dev hand0`,
    )
    .then(() =>
      host.execOrFail([
        'bridge',
        ...['fdb', 'add', `02:77:00:00:00:0${other}`, 'dev', 'hand0'],
        ...['dst', peer.address.ipv4, 'self', 'permanent'],
      ]),
    )
    .then(() => undefined);
}

/** A container on a plain bridge with the standard plugins, without anything of the product. */
function attachByHand(host: Host, n: number): Promise<Container> {
  const ranges = [[{ subnet: `10.78.${n}.0/24`, gateway: `10.78.${n}.1` }]];
  const ipam = {
    type: 'host-local',
    dataDir: `${host.paths.folder}/hand`,
    ranges,
    routes: [{ dst: '0.0.0.0/0' }],
  };
  const plugin = { type: 'bridge', bridge: 'hand-bridge', isGateway: true, mtu: MTU, ipam };
  return host.attachCni('hand', { chain: { name: 'hand', cniVersion: '1.0.0', plugins: [plugin] } });
}
