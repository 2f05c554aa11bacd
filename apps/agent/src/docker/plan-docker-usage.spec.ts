import { describe, expect, it } from '@jest/globals';
import { AllocationHalf, Container } from '@overlay/contracts';
import { planDockerCapacity } from './plan-docker-capacity.js';
import { mergeContainers, planDockerContainers } from './plan-docker-containers.js';
import type { DockerOverlay } from './plan-docker-network.js';

const names = new Map([['net1', 'dcos']]);
const web = {
  id: 'c1',
  name: 'web',
  labels: { app: 'web' },
  endpoints: [{ networkId: 'net1', ip: '9.0.1.130', ip6: 'fd01:b::2' }],
};
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
    const bridged = { ...web.endpoints[0], networkId: 'bridge', ip: '172.17.0.2', ip6: '' };
    const both = { ...web, id: 'c2', endpoints: [bridged, ...web.endpoints] };
    const stopped = { ...web, id: 'c3', endpoints: [{ networkId: 'net1', ip: '', ip6: '' }] };
    const told = planDockerContainers([web, both, stopped], names);
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

  it('is the word that counts where both sources tell of an address', () => {
    const [docker] = planDockerContainers([web], names);
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

  it('counts a row for each family', () => {
    const rows = planDockerCapacity([overlay], containers(2), [], 7);
    expect(rows).toMatchObject([
      { network: 'dcos', family: 4, total: 5n, used: 2n, free: 3n, largestBurst: 3n, exhaustedSinceMs: 0n },
      { family: 6, total: 2n ** 47n - 2n, used: 0n },
    ]);
  });

  it('keeps the beginning of an exhaustion until it ends', () => {
    const full = planDockerCapacity([overlay], containers(5), [], 7);
    expect(full[0]).toMatchObject({ free: 0n, exhaustedSinceMs: 7n });
    const later = planDockerCapacity([overlay], containers(6), full, 9);
    expect(later[0]).toMatchObject({ free: 0n, exhaustedSinceMs: 7n });
    expect(planDockerCapacity([overlay], containers(4), later, 11)[0]).toMatchObject({
      exhaustedSinceMs: 0n,
    });
  });

  it('leaves a shared pool to overlay-ipam', () => {
    expect(planDockerCapacity([{ ...overlay, pool: 'shared' }], [], [], 7)).toEqual([]);
  });
});
