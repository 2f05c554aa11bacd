import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  type Capture,
  type Container,
  type Host,
  type MasterState,
  OUTSIDE,
  Testbed,
} from '@overlay/testbed';
import { vtepOf, withoutLength } from './cluster-state.js';
import { innerPacketBytes, isGroupMac, parsePacket, type UnderlayPacket } from './packets.js';

jest.setTimeout(60_000);

const OVERLAY_MTU = 1420;
const VXLAN_PORT = 64_000;
const UNASSIGNED = { ipv4: '9.77.0.1', ipv6: 'fd01:b:0:0:4d::1' };

/** The address that a container has; every container here has one family. */
const addressOf = (container: Container): string => container.ipv4 ?? container.ipv6 ?? '';

describe('traffic', () => {
  let testbed: Testbed;
  let state: MasterState;
  let containers: readonly Container[] = [];
  let everything: Capture;
  const host = (label: string): Host => testbed.host(label);

  /** The container of a host, `9.0.0.0/8` unless told otherwise. */
  function on(label: string, half: 'cni' | 'docker', network = 'dcos'): Container {
    const found = containers.find(
      (each) => each.host === label && each.half === half && each.network === network,
    );
    if (found === undefined) throw new Error(`no container on ${label}, ${half}, ${network}`);
    return found;
  }

  /** Every ordered pair that speaks one family: same bridge, same host, across hosts. */
  function pairs(): readonly (readonly [Container, Container])[] {
    return containers.flatMap((from) =>
      containers.filter((to) => to !== from && to.network === from.network).map((to) => [from, to] as const),
    );
  }

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 2, label: 'traffic' });
    await testbed.start();
    state = await testbed.waitSettled(['dcos', 'dcos6']);
    everything = await testbed.captureUnderlay();
    const attached: Container[] = [];
    for (const each of testbed.hosts) {
      for (const network of ['dcos', 'dcos6']) {
        attached.push(await each.attachCni(network), await each.attachDockerHalf(network));
      }
    }
    attached.push(await host('h1').attachCni('dcos', { mesos: true }), await host('h1').attachCni('dcos6'));
    containers = attached;
    await Promise.all([testbed.outside, ...testbed.hosts, ...containers].map((each) => each.serveEcho()));
  });

  afterAll(async () => {
    await testbed?.close();
  });

  it('carries pings of exactly the overlay MTU between all containers, and not a byte more', async () => {
    const failures: string[] = [];
    for (const [from, to] of pairs()) {
      const label = `${from.label} to ${to.label} at ${addressOf(to)}`;
      const exact = await from.ping(addressOf(to), { packetBytes: OVERLAY_MTU, dontFragment: true });
      if (!exact.ok) failures.push(`${label}: ${exact.output}`);
    }
    expect(failures).toEqual([]);
    for (const network of ['dcos', 'dcos6']) {
      const [from, to] = [on('h1', 'cni', network), on('h2', 'docker', network)];
      const over = await from.ping(addressOf(to), { packetBytes: OVERLAY_MTU + 1, dontFragment: true });
      expect(over).toMatchObject({ received: 0, output: expect.stringMatching(/too long, mtu[=:] ?1420$/) });
    }
  });

  it('carries TCP between all containers, each seen by its own address', async () => {
    for (const [from, to] of pairs()) {
      const result = await from.tcp(addressOf(to), { sizeBytes: 20_000 });
      expect([from.label, to.label, result]).toEqual([
        from.label,
        to.label,
        expect.objectContaining({ ok: true, seenAs: addressOf(from) }),
      ]);
    }
  });

  it.each(['dcos', 'dcos6'])(
    'fills TCP segments of %s to exactly the overlay MTU, unfragmented',
    async (network) => {
      const [from, to] = [on('h1', 'cni', network), on('h2', 'cni', network)];
      await from.ip('link set dev eth0 gso_max_segs 1'); // what the capture sees is then what a cable would
      const capture = await testbed.captureUnderlay();
      expect(await from.tcp(addressOf(to), { sizeBytes: 200_000 })).toMatchObject({ ok: true });
      await capture.stop();
      const packets = (await capture.packets(true)).map(parsePacket);
      const sent = packets.filter(({ source }) => source === host('h1').address.ipv4);
      const sizes = sent.flatMap(({ inner }) => (inner === undefined ? [] : [innerPacketBytes(inner)]));
      expect(Math.max(...sizes)).toBe(OVERLAY_MTU);
      const fragments = await host('h1').execOrFail([
        'tcpdump',
        '-r',
        capture.file,
        '-nn',
        'ip[6:2] & 0x3fff != 0',
      ]);
      expect(fragments).toBe('');
    },
  );

  it('carries UDP across hosts', async () => {
    for (const network of ['dcos', 'dcos6']) {
      const [from, to] = [on('h1', 'docker', network), on('h2', 'cni', network)];
      expect(await from.udp(addressOf(to))).toMatchObject({ ok: true, seenAs: addressOf(from) });
    }
  });

  it('masquerades to the outside from both halves, and nothing else', async () => {
    for (const half of ['cni', 'docker'] as const) {
      const ipv4 = await on('h1', half).tcp(OUTSIDE.ipv4);
      expect(ipv4).toMatchObject({ ok: true, seenAs: host('h1').address.ipv4 });
      const ipv6 = await on('h1', half, 'dcos6').tcp(OUTSIDE.ipv6);
      expect(ipv6).toMatchObject({ ok: true, seenAs: host('h1').address.ipv6 });
    }
  });

  it('shows a container to a peer host’s own address as the sending host’s tunnel endpoint', async () => {
    const seenAs = withoutLength(vtepOf(state, host('h1')).vtep_ip);
    expect(await on('h1', 'cni').tcp(host('h2').address.ipv4)).toMatchObject({ ok: true, seenAs });
    expect(await on('h1', 'docker').tcp(host('h2').address.ipv4)).toMatchObject({ ok: true, seenAs });
  });

  it('carries a host to remote containers from its tunnel endpoint, and to its own containers', async () => {
    const { vtep_ip: vtep, vtep_ip6: vtep6 } = vtepOf(state, host('h1'));
    for (const half of ['cni', 'docker'] as const) {
      const ipv4 = await host('h1').tcp(addressOf(on('h2', half)));
      expect(ipv4).toMatchObject({ ok: true, seenAs: withoutLength(vtep) });
      const ipv6 = await host('h1').tcp(addressOf(on('h2', half, 'dcos6')));
      expect(ipv6).toMatchObject({ ok: true, seenAs: withoutLength(vtep6) });
      expect(await host('h1').tcp(addressOf(on('h1', half)))).toMatchObject({ ok: true });
    }
  });

  it('says at once that nobody has an unassigned overlay address, and lets nothing out', async () => {
    const capture = await testbed.captureUnderlay({
      filter: ['udp', 'or', 'icmp', 'or', 'icmp6', 'or', 'arp'],
    });
    const patient = { timeoutMs: 20_000 }; // far longer than the answer takes
    for (const from of [on('h1', 'cni'), on('h1', 'docker'), host('h1')]) {
      expect((await from.ping(UNASSIGNED.ipv4, patient)).output).toMatch(/unreachable|No route to host/i);
    }
    for (const from of [on('h1', 'cni', 'dcos6'), on('h1', 'docker', 'dcos6'), host('h1')]) {
      expect((await from.ping(UNASSIGNED.ipv6, patient)).output).toMatch(/unreachable|No route to host/i);
    }
    await capture.stop();
    const leaked = (await capture.packets(true)).filter(
      (line) => line.includes(UNASSIGNED.ipv4) || line.includes(UNASSIGNED.ipv6),
    );
    expect(leaked).toEqual([]);
  });

  describe('on the underlay, through all of that', () => {
    let packets: readonly UnderlayPacket[] = [];

    beforeAll(async () => {
      await everything.stop();
      packets = (await everything.packets(true)).map(parsePacket);
    });

    it('hosts exchange VXLAN on UDP 64000 and nothing else', () => {
      const hosts: readonly string[] = testbed.hosts.flatMap(({ address }) => [address.ipv4, address.ipv6]);
      const isHost = (address: string | undefined) => address !== undefined && hosts.includes(address);
      const between = packets.filter(({ source, destination }) => isHost(source) && isHost(destination));
      expect(between.length).toBeGreaterThan(100);
      expect(between.filter(({ port, inner }) => port !== VXLAN_PORT || inner === undefined)).toEqual([]);
    });

    it('nobody asks for an overlay or tunnel address', () => {
      const questions = packets.filter(({ text }) => /who-has|neighbor solicitation/.test(text));
      expect(questions.length).toBeGreaterThan(0);
      const wrong = questions.filter(
        ({ text, inner }) => inner !== undefined || /who-has (9|44)\.|who has fd01:/.test(text),
      );
      expect(wrong).toEqual([]);
    });

    it('nothing inside a tunnel goes to a group', () => {
      const groups = packets.filter(({ inner }) => inner !== undefined && isGroupMac(inner.destinationMac));
      expect(groups).toEqual([]);
    });

    it('no overlay address shows outside a tunnel', () => {
      const bare = packets.filter(({ inner }) => inner === undefined);
      const overlay = /^(9\.|44\.128\.|fd01:)/;
      const leaked = bare.filter(
        ({ source = '', destination = '' }) => overlay.test(source) || overlay.test(destination),
      );
      expect(leaked).toEqual([]);
    });
  });
});
