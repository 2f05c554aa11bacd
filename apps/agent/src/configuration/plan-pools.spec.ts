import { describe, expect, it } from '@jest/globals';
import { AllocationHalf } from '@overlay/contracts';
import { exampleNetwork } from './example-registration.js';
import { planPools } from './plan-pools.js';
import { planSharedBlocks } from './plan-shared-blocks.js';

const SETTINGS = { allocateSubnet: true, mesosBridge: true, enableIpv6: true };

describe('planPools', () => {
  const split = exampleNetwork('dcos', 3);
  const assignment = { nodeId: 'n1', ip: '10.0.0.1', vtep: undefined, networks: [split] };
  const place = { networkId: split.networkId, network: 'dcos', half: AllocationHalf.CNI, subnet6: '' };

  it('is the CNI half', () => {
    expect(planPools([split], SETTINGS)).toEqual([{ ...place, subnet: '9.3.0.0/25' }]);
  });

  it('is the whole block, and says so, where Docker shares it', () => {
    const { networks } = planSharedBlocks(assignment);
    expect(planPools(networks, SETTINGS)).toEqual([{ ...place, subnet: '9.3.0.0/24', shared: true }]);
  });
});
