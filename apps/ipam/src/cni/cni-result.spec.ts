import { describe, expect, it } from '@jest/globals';
import { parseInterfaceAddress, parseIpAddress } from '@overlay/allocation';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import { parseContainerId, parseInterfaceName } from '../allocation/owner.js';
import type { AllocationRecord } from '../allocation/records.js';
import { renderAddResult, renderVersionResult } from './cni-result.js';
import { CNI_VERSIONS } from './cni-version.js';

const RECORD: AllocationRecord = {
  networkId: parseNetworkId('n'),
  network: parseNetworkName('dcos'),
  half: 'cni',
  owner: { containerId: parseContainerId('c'), interface: parseInterfaceName('eth0') },
  addresses: [
    { address: parseInterfaceAddress('9.0.1.2/27'), gateway: parseIpAddress('9.0.1.1') },
    { address: parseInterfaceAddress('fd01::2/81'), gateway: parseIpAddress('fd01::1') },
  ],
  labels: {},
  allocatedAtMs: 1,
  bootId: 'b',
};

describe('renderAddResult', () => {
  it.each(['0.1.0', '0.2.0'] as const)('names addresses by family in %s', (version) => {
    expect(renderAddResult(version, RECORD)).toEqual({
      cniVersion: version,
      ip4: { ip: '9.0.1.2/27', gateway: '9.0.1.1', routes: [{ dst: '0.0.0.0/0' }] },
      ip6: { ip: 'fd01::2/81', gateway: 'fd01::1', routes: [{ dst: '::/0' }] },
      dns: {},
    });
  });

  it.each(['0.3.0', '0.3.1', '0.4.0'] as const)('lists addresses with their family in %s', (version) => {
    expect(renderAddResult(version, RECORD)).toEqual({
      cniVersion: version,
      ips: [
        { version: '4', address: '9.0.1.2/27', gateway: '9.0.1.1' },
        { version: '6', address: 'fd01::2/81', gateway: 'fd01::1' },
      ],
      routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
      dns: {},
    });
  });

  it.each(['1.0.0', '1.1.0'] as const)('lists addresses in %s', (version) => {
    expect(renderAddResult(version, RECORD)).toEqual({
      cniVersion: version,
      ips: [
        { address: '9.0.1.2/27', gateway: '9.0.1.1' },
        { address: 'fd01::2/81', gateway: 'fd01::1' },
      ],
      routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
      dns: {},
    });
  });
});

describe('renderVersionResult', () => {
  it('lists every version in the version of the caller', () => {
    expect(renderVersionResult('0.4.0')).toEqual({ cniVersion: '0.4.0', supportedVersions: CNI_VERSIONS });
  });
});
