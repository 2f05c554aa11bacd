import { describe, expect, it } from '@jest/globals';
import { AllocationHalf, Container, Network, NetworkSpec } from '@overlay/contracts';
import { planDockerCapacity } from './plan-docker-capacity.js';
import { mergeContainers, planDockerContainers, planStandingNetworks } from './plan-docker-containers.js';
import type { DockerOverlay } from './plan-docker-network.js';

const networks = planStandingNetworks(
  new Map([
    ['net1', 'id-dcos'],
    ['net6', 'id-dcos6'],
    ['old', 'id-gone'],
  ]),
  {
    networks: [
      network('dcos', { subnet: '9.0.0.0/8', prefix: 26, subnet6: 'fd01:b::/64', prefix6: 80 }),
      network('dcos6', { subnet6: 'fd01:c::/64', prefix6: 80 }),
    ],
  },
);
const endpoint = { network: 'dcos', networkId: 'net1', ip: '9.0.1.130', ip6: 'fd01:b::2' };
const web = { id: 'c1', name: 'web', running: true, labels: { app: 'web' }, endpoints: [endpoint] };

function network(name: string, prefixes: Partial<NetworkSpec>): Network {
  return Network.create({ id: `id-${name}`, spec: NetworkSpec.create({ name, ...prefixes }) });
}

const overlay: DockerOverlay = {
  networkId: 'id-dcos',
  name: 'dcos',
  subnet: '9.0.1.8/29',
  subnet6: 'fd01:b::8000:0:0/81',
  mtuBytes: 1420,
  pool: 'split',
};

describe('planDockerContainers', () => {
  it('tells who is on overlay networks', () => {
    const bridged = { network: 'bridge', networkId: 'bridge', ip: '172.17.0.2', ip6: '' };
    const both = { ...web, id: 'c2', endpoints: [bridged, ...web.endpoints] };
    const stopped = { ...web, id: 'c3', running: false };
    const bare = { ...web, id: 'c4', endpoints: [{ ...endpoint, ip: '', ip6: '' }] };
    const told = planDockerContainers([web, both, stopped, bare], networks);
    expect(told.map(({ containerId, interface: device }) => [containerId, device])).toEqual([
      ['c1', 'eth0'],
      ['c2', ''],
    ]);
    expect(told[0]).toMatchObject({
      network: 'dcos',
      half: AllocationHalf.DOCKER,
      ip: '9.0.1.130',
      ip6: 'fd01:b::2',
      labels: { app: 'web' },
    });
  });

  it('tells as many labels as overlay-ipam would keep', () => {
    const labels = { app: 'web', notes: 'x'.repeat(5 * 1024 * 1024) };
    const [told] = planDockerContainers([{ ...web, labels }], networks);
    expect(told?.labels).toEqual({ app: 'web', 'overlay.labels-left-out': '1' });
  });

  it('tells addresses of the overlay only', () => {
    const own = { network: 'dcos6', networkId: 'net6', ip: '172.18.0.2', ip6: 'fd01:c:0:0::2' };
    const unknown = { ...endpoint, networkId: 'old' };
    const told = planDockerContainers(
      [own, { ...own, ip6: '' }, unknown].map((one) => ({ ...web, endpoints: [one] })),
      networks,
    );
    expect(told.map(({ ip, ip6 }) => [ip, ip6])).toEqual([['', 'fd01:c::2']]);
  });

  it('is the word that counts where both sources tell of an address', () => {
    const [docker] = planDockerContainers([web], networks);
    const allocated = Container.create({ containerId: 'pool-mac', network: 'dcos', ip: '9.0.1.130' });
    const other = Container.create({ containerId: 'c9', network: 'other', ip: '9.0.1.130' });
    expect(mergeContainers([allocated, other], docker === undefined ? [] : [docker])).toEqual([
      other,
      docker,
    ]);
  });
});

describe('planDockerCapacity', () => {
  const containers = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      Container.create({ network: 'dcos', ip: `9.0.1.${10 + index}` }),
    );

  const subnet = (prefix: string, setAside: readonly string[] = []) => {
    return { subnet: prefix, gateway: '', range: '', setAside };
  };
  const ipv6 = subnet('FD01:b:0:0:0:8000::/81');
  const standing = new Map([['id-dcos', { subnets: [subnet('9.0.1.8/29'), ipv6] }]]);

  it('counts a row for each family', () => {
    const rows = planDockerCapacity([overlay], standing, containers(2), [], 7);
    expect(rows).toMatchObject([
      { network: 'dcos', family: 4, total: 5n, used: 2n, free: 3n, largestBurst: 3n, exhaustedSinceMs: 0n },
      { family: 6, total: 2n ** 47n - 2n, used: 0n, largestBurst: 3n },
    ]);
  });

  it('keeps the beginning of an exhaustion until it ends', () => {
    const full = planDockerCapacity([overlay], standing, containers(5), [], 7);
    expect(full[0]).toMatchObject({ free: 0n, exhaustedSinceMs: 7n });
    const later = planDockerCapacity([overlay], standing, containers(6), full, 9);
    expect(later[0]).toMatchObject({ free: 0n, exhaustedSinceMs: 7n });
    expect(planDockerCapacity([overlay], standing, containers(4), later, 11)[0]).toMatchObject({
      exhaustedSinceMs: 0n,
    });
  });

  it('counts what was set aside when the network was made', () => {
    const subnets = [subnet('9.0.1.8/29', ['9.0.1.11']), ipv6];
    const rows = planDockerCapacity([overlay], new Map([['id-dcos', { subnets }]]), containers(4), [], 7);
    expect(rows).toMatchObject([
      { family: 4, total: 5n, used: 4n, reserved: 1n, free: 0n, exhaustedSinceMs: 7n },
      { family: 6, reserved: 0n, largestBurst: 0n },
    ]);
  });

  it('tells nothing of a half that the network in Docker does not have', () => {
    const before = new Map([['id-dcos', { subnets: [subnet('9.0.9.8/29'), ipv6] }]]);
    const rows = planDockerCapacity([overlay], before, containers(2), [], 7);
    expect(rows.map(({ family }) => family)).toEqual([6]);
    expect(planDockerCapacity([overlay], new Map(), [], [], 7)).toEqual([]);
  });

  it('leaves a shared pool to overlay-ipam', () => {
    expect(planDockerCapacity([{ ...overlay, pool: 'shared' }], standing, [], [], 7)).toEqual([]);
  });
});
