import { describe, expect, it } from '@jest/globals';
import { Allocation, AllocationHalf } from '@overlay/contracts';
import { planContainers } from './plan-containers.js';

describe('planContainers', () => {
  it('takes addresses without their length, by family', () => {
    const allocation = Allocation.create({
      network: 'dcos',
      half: AllocationHalf.CNI,
      owner: { containerId: 'c1', interface: 'eth0' },
      addresses: [
        { address: '9.0.1.5/27', gateway: '9.0.1.1' },
        { address: 'fd01:b::5/81', gateway: 'fd01:b::1' },
      ],
      labels: { app: 'web' },
    });
    expect(planContainers([allocation])).toStrictEqual([
      {
        containerId: 'c1',
        interface: 'eth0',
        network: 'dcos',
        half: AllocationHalf.CNI,
        ip: '9.0.1.5',
        ip6: 'fd01:b::5',
        agentIp: '',
        labels: { app: 'web' },
      },
    ]);
  });

  it('leaves out what nobody holds', () => {
    expect(planContainers([Allocation.create({ network: 'dcos' })])).toStrictEqual([]);
  });
});
