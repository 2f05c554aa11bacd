import { describe, expect, it } from '@jest/globals';
import { type AllocateRequest, AllocationHalf } from '@overlay/contracts';
import { isFailure } from '@overlay/failure';
import {
  parseAllocationWish,
  parseNetworkFilter,
  parseOwnedHalf,
  parsePools,
  parseReservationWish,
} from './requests.js';

const REQUEST: AllocateRequest = {
  network: 'dcos',
  half: AllocationHalf.UNSPECIFIED,
  owner: { containerId: 'c1', interface: 'eth0' },
  requestedIps: ['fd01:0::5'],
  reservation: '',
  labels: { app: 'web' },
};

function fieldsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (isFailure(error, 'invalid_argument')) return error.violations.map(({ field }) => field);
    throw error;
  }
  return [];
}

describe('parseAllocationWish', () => {
  it('takes an unspecified half for the CNI half and writes addresses in one way', () => {
    expect(parseAllocationWish(REQUEST)).toEqual({
      network: 'dcos',
      half: 'cni',
      owner: { containerId: 'c1', interface: 'eth0' },
      requestedIps: ['fd01::5'],
      labels: { app: 'web' },
    });
    expect(parseAllocationWish({ ...REQUEST, half: AllocationHalf.DOCKER }).half).toBe('docker');
  });

  it('names every wrong field at once', () => {
    const wrong: AllocateRequest = {
      ...REQUEST,
      network: '../x',
      half: AllocationHalf.UNRECOGNIZED,
      owner: undefined,
      requestedIps: ['9.0.1.2', 'x'],
      labels: { a: 'x'.repeat(10_000) },
    };
    expect(fieldsOf(() => parseAllocationWish(wrong))).toEqual([
      'network',
      'half',
      'owner.container_id',
      'owner.interface',
      'requested_ips[1]',
      'labels',
    ]);
  });

  it('reads the path of a network namespace', () => {
    const at = (networkNamespace: string) => parseAllocationWish({ ...REQUEST, networkNamespace });
    expect(at('/run/netns/a b').networkNamespace).toBe('/run/netns/a b');
    expect(at('')).not.toHaveProperty('networkNamespace');
    for (const path of ['a', '../x', '/a\0b', `/${'x'.repeat(4096)}`])
      expect(fieldsOf(() => at(path))).toEqual(['network_namespace']);
  });

  it('reads the name of a reservation', () => {
    expect(parseAllocationWish({ ...REQUEST, reservation: 'db-1' }).reservation).toBe('db-1');
    expect(fieldsOf(() => parseAllocationWish({ ...REQUEST, reservation: '../x' }))).toEqual(['reservation']);
  });
});

describe('parseReservationWish', () => {
  const RESERVE = {
    network: 'dcos',
    half: AllocationHalf.UNSPECIFIED,
    name: 'db',
    requestedIps: [],
    ttlMs: 0n,
  };

  it('takes no time to live for a reservation without end', () => {
    expect(parseReservationWish(RESERVE)).toEqual({
      network: 'dcos',
      half: 'cni',
      name: 'db',
      requestedIps: [],
    });
    expect(parseReservationWish({ ...RESERVE, ttlMs: 5n }).ttlMs).toBe(5);
  });

  it('names every wrong field at once', () => {
    const wrong = { ...RESERVE, network: '', name: 'a b', requestedIps: ['x'], ttlMs: 2n ** 63n };
    expect(fieldsOf(() => parseReservationWish(wrong))).toEqual([
      'network',
      'name',
      'requested_ips[0]',
      'ttl_ms',
    ]);
  });
});

describe('parseOwnedHalf', () => {
  it('names every wrong field at once', () => {
    const wrong = { network: '', half: AllocationHalf.CNI, owner: { containerId: 'a/b', interface: '..' } };
    expect(fieldsOf(() => parseOwnedHalf(wrong))).toEqual([
      'network',
      'owner.container_id',
      'owner.interface',
    ]);
  });
});

describe('parsePools', () => {
  const POOL = { networkId: 'n1', network: 'dcos', half: AllocationHalf.CNI, subnet: '', subnet6: '' };

  it('reads prefixes where there are some', () => {
    expect(parsePools([{ ...POOL, subnet: '9.0.1.0/27' }])).toEqual([
      { networkId: 'n1', network: 'dcos', half: 'cni', subnet: '9.0.1.0/27' },
    ]);
    expect(parsePools([{ ...POOL, shared: true }])[0]).toHaveProperty('shared', true);
    expect(parsePools([{ ...POOL, shared: false }])[0]).not.toHaveProperty('shared');
  });

  it('names every wrong field at once', () => {
    const wrong = {
      networkId: '',
      network: 'host',
      half: AllocationHalf.UNSPECIFIED,
      subnet: '9.0.1.5/27',
      subnet6: 'x',
    };
    expect(fieldsOf(() => parsePools([POOL, wrong]))).toEqual([
      'pools[1].network_id',
      'pools[1].network',
      'pools[1].half',
      'pools[1].subnet',
      'pools[1].subnet6',
    ]);
  });
});

describe('parseNetworkFilter', () => {
  it('takes a name, or nothing for all networks, and names the field of anything else', () => {
    expect(parseNetworkFilter('dcos')).toBe('dcos');
    expect(parseNetworkFilter('')).toBeUndefined();
    expect(fieldsOf(() => parseNetworkFilter('a b'))).toEqual(['network']);
  });
});
