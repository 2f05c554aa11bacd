import { describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { toOverlayError } from '@overlay/failure';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import type { ClusterNetwork, HostNetwork } from '../desired/host-description.js';
import { DCOS, HOST } from '../reconcile/testing/host-fixture.js';
import { type ClaimedSpace, checkOverlaps } from './check-overlaps.js';
import { FieldReader } from './field-reader.js';

const other = (subnet: string, standing: ClusterNetwork['standing'] = 'active'): ClusterNetwork => ({
  ...DCOS,
  id: parseNetworkId('net-other'),
  name: parseNetworkName('other'),
  subnets: [parseCidr(subnet)],
  standing,
});

const having = (...prefixes: readonly string[]): HostNetwork => ({
  id: parseNetworkId('net-other'),
  name: parseNetworkName('other'),
  prefixes: prefixes.map(parseCidr),
});

function violations(change: Partial<ClaimedSpace>): readonly string[] {
  const reader = new FieldReader();
  checkOverlaps(reader, { ...HOST, ...change });
  try {
    reader.finish();
    return [];
  } catch (error) {
    return toOverlayError(error).violations.map(({ field, description }) => `${field}: ${description}`);
  }
}

describe('checkOverlaps', () => {
  it('takes a host whose networks are apart, and the successor of a network that is being deleted', () => {
    expect(violations({})).toEqual([]);
    expect(violations({ clusterNetworks: [other('9.0.0.0/8', 'deleting'), DCOS] })).toEqual([]);
  });

  it.each<[string, Partial<ClaimedSpace>]>([
    [
      'networks: 9.128.0.0/9 of network other overlaps 9.0.0.0/8 of network dcos',
      { clusterNetworks: [DCOS, other('9.128.0.0/9')] },
    ],
    [
      'networks: 44.0.0.0/8 of network other overlaps 44.128.0.0/20 of the VTEP subnet',
      { clusterNetworks: [other('44.0.0.0/8')] },
    ],
    [
      'assignment.networks: 9.0.0.0/27 of network other overlaps 9.0.0.0/26 of network dcos',
      { networks: [...HOST.networks, having('9.0.0.0/27')] },
    ],
    [
      'assignment.networks: 9.1.0.0/24 of network other overlaps 9.1.0.0/26 of network other',
      { networks: [having('9.1.0.0/26', '9.1.0.0/24')] },
    ],
    [
      'assignment.networks: half 9.0.0.0/27 of m-other overlaps 9.0.0.0/26 of d-other',
      {
        networks: [
          {
            ...having('9.0.0.0/26'),
            cniBridge: { name: 'm-other', halves: [parseCidr('9.0.0.0/27')] },
            dockerBridge: { name: 'd-other', halves: [parseCidr('9.0.0.0/26')] },
          },
        ],
      },
    ],
  ])('notes %s', (violation, change) => {
    expect(violations(change)).toEqual([violation]);
  });
});
