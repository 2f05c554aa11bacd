import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Capture, type Container, type Host, OUTSIDE, Testbed } from '@overlay/testbed';
import { inParallel } from './in-parallel.js';

jest.setTimeout(120_000);

const NETWORKS = ['dcos', 'dcos6'] as const;
const RUNTIMES = ['cni', 'podman', 'docker'] as const;
const PROBES_AT_ONCE = 8;
/** A machine under load takes its time to start what asks and answers. */
const PATIENT_MS = 15_000;
/** Echo requests only (RFC 792 type 8, RFC 4443 type 128): neighbours ask for each other now and then, too. */
const PINGS = { filter: 'icmp[0] = 8 or ( icmp6 and ip6[40] = 128 )'.split(' ') };

type Runtime = (typeof RUNTIMES)[number];
type Protocol = 'tcp' | 'udp' | 'icmp';

interface Member {
  readonly container: Container;
  readonly runtime: Runtime;
  /** `9.0.0.5` or `fd01:b::5`; every network here has one family. */
  readonly address: string;
  readonly name: string;
}

/** The address of the same family as the other. */
function sameFamily(pair: { readonly ipv4: string; readonly ipv6: string }, address: string): string {
  return address.includes(':') ? pair.ipv6 : pair.ipv4;
}

async function runOn(host: Host, runtime: Runtime, network: string): Promise<Member> {
  const start = { cni: 'attachCni', podman: 'runPodman', docker: 'runDocker' } as const;
  const container = await host[start[runtime]](network);
  const address = container.ipv4 ?? container.ipv6 ?? '';
  await container.serveEcho();
  return { container, runtime, address, name: `${host.label} ${runtime} ${address}` };
}

describe('containers of real runtimes', () => {
  let testbed: Testbed;
  let members: readonly Member[] = [];

  /** @returns what went wrong, in words; `undefined` if the target saw the expected source. */
  async function probe(
    from: Member,
    to: string,
    protocol: Protocol,
    source: string,
  ): Promise<string | undefined> {
    const label = `${protocol} ${from.name} to ${to}`;
    if (protocol === 'icmp') {
      const ping = await from.container.ping(to);
      return ping.ok ? undefined : `${label}: ${ping.output}`;
    }
    const echo = await from.container[protocol](to, { timeoutMs: PATIENT_MS });
    if (!echo.ok) return `${label}: ${echo.error ?? 'no answer'}`;
    return echo.seenAs === source ? undefined : `${label}: seen as ${echo.seenAs ?? 'nobody'}`;
  }

  /** Every ordered pair of a network: between all runtimes, on one host and across hosts. */
  function pairs(): readonly (readonly [Member, Member])[] {
    return members.flatMap((from) =>
      members
        .filter((to) => to !== from && to.container.network === from.container.network)
        .map((to) => [from, to] as const),
    );
  }

  /** From which addresses ICMP echo requests to a target came by. */
  async function pingersOf(target: string, capture: Capture): Promise<readonly string[]> {
    const requests = (await capture.packets()).filter((line) => line.includes(` > ${target}: ICMP`));
    return [...new Set(requests.map((line) => / length \d+: (\S+) > /.exec(line)?.[1] ?? line))].sort();
  }

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 2, label: 'runtimes' });
    const [early, late] = [testbed.host('h1'), testbed.host('h2')];
    await early.startDocker(); // finds a host that does not forward, and makes DROP its policy
    await testbed.start('listening');
    await late.startDocker(); // finds a host that forwards
    await testbed.waitSettled([...NETWORKS], 60_000);
    await Promise.all(testbed.hosts.flatMap((host) => NETWORKS.map((name) => host.waitDockerNetwork(name))));
    const everywhere = [early, late, early].flatMap((host) =>
      NETWORKS.flatMap((network) => RUNTIMES.map((runtime) => ({ host, runtime, network }))),
    );
    members = await inParallel(4, everywhere, ({ host, runtime, network }) => runOn(host, runtime, network));
    await testbed.outside.serveEcho();
  });

  afterAll(async () => {
    await testbed?.close();
  });

  it('have addresses of their half, and none twice', async () => {
    const addresses = members.map(({ address }) => address);
    expect(new Set(addresses).size).toBe(members.length);
    for (const { container, runtime } of members) {
      expect(container.half).toBe(runtime === 'docker' ? 'docker' : 'cni');
    }
  });

  it.each(['tcp', 'udp', 'icmp'] as const)(
    'reach each other by %s on one host and across hosts',
    async (protocol) => {
      const problems = await inParallel(PROBES_AT_ONCE, pairs(), ([from, to]) =>
        probe(from, to.address, protocol, from.address),
      );
      expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
    },
  );

  it.each(NETWORKS)('are seen by their own addresses when they ping in %s', async (network) => {
    const receivers = members.filter(
      ({ container }) => container.host === 'h2' && container.network === network,
    );
    const captures = await Promise.all(
      receivers.map(async (receiver) => ({
        receiver,
        capture: await testbed.capture(receiver.container, PINGS),
      })),
    );
    const wanted = pairs().filter(([, to]) => receivers.includes(to));
    await inParallel(PROBES_AT_ONCE, wanted, ([from, to]) => from.container.ping(to.address));
    for (const { receiver, capture } of captures) {
      await capture.stop();
      const senders = wanted.filter(([, to]) => to === receiver).map(([from]) => from.address);
      expect(await pingersOf(receiver.address, capture)).toEqual(senders.sort());
    }
  });

  it('reach the outside by every protocol, seen by their host’s address', async () => {
    const capture = await testbed.capture(testbed.outside, PINGS);
    const wanted = members.flatMap((from) =>
      (['tcp', 'udp', 'icmp'] as const).map((protocol) => ({ from, protocol })),
    );
    const problems = await inParallel(PROBES_AT_ONCE, wanted, ({ from, protocol }) => {
      const source = sameFamily(testbed.host(from.container.host).address, from.address);
      return probe(from, sameFamily(OUTSIDE, from.address), protocol, source);
    });
    expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
    await capture.stop();
    for (const family of ['ipv4', 'ipv6'] as const) {
      const hosts = testbed.hosts.map(({ address }) => address[family]);
      expect(await pingersOf(OUTSIDE[family], capture)).toEqual(hosts.sort());
    }
  });

  it('are reached from outside at ports that their runtime publishes', async () => {
    const host = testbed.host('h1');
    const published = [
      await host.runDocker('dcos', { args: ['--publish', '7:7'] }),
      await testbed.host('h2').runPodman('dcos', { args: ['--publish', '7:7'] }),
    ];
    for (const container of published) {
      await container.serveEcho();
      const answer = await testbed.outside.tcp(testbed.host(container.host).address.ipv4);
      expect(answer).toMatchObject({ ok: true });
      await container.remove();
    }
  });

  it('that start after dockerd was killed reach everyone, and so do those that it kept', async () => {
    const host = testbed.host('h1');
    const killed = members.filter(
      ({ runtime, container }) => runtime === 'docker' && container.host === 'h1',
    );
    const living = members.filter((member) => !killed.includes(member));
    await host.docker.restart();
    // What asks and answers in a dead container holds its namespace, and so its interface and address.
    for (const { container } of killed) await container.remove();
    const after = await Promise.all(NETWORKS.map((network) => runOn(host, 'docker', network)));
    const tries = after.flatMap((one) =>
      living
        .filter(({ container }) => container.network === one.container.network)
        .flatMap((other) => [[one, other] as const, [other, one] as const]),
    );
    const problems = await inParallel(PROBES_AT_ONCE, tries, ([from, to]) =>
      probe(from, to.address, 'tcp', from.address),
    );
    expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
  });
});
