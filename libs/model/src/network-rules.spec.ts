import { describe, expect, it } from '@jest/globals';
import { parseCidr, parseMacAddress } from '@overlay/allocation';
import fc from 'fast-check';
import { parseNetworkName } from './network-name.js';
import { checkNetworkDefinitions, checkNewNetwork } from './network-rules.js';
import type { AddressSpaceDefinition, NetworkDefinition } from './records.js';

const SPACE: AddressSpaceDefinition = {
  vtepSubnet: parseCidr('44.128.0.0/20'),
  vtepSubnet6: parseCidr('fd01:a::/64'),
  vtepMacOui: parseMacAddress('70:b3:d5:00:00:00'),
};

function network(name: string, subnet: string, blockLength: number): NetworkDefinition {
  const plan = { subnet: parseCidr(subnet), blockLength };
  const base = { name: parseNetworkName(name), enabled: true, isolated: false };
  return subnet.includes(':') ? { ...base, ipv6: plan } : { ...base, ipv4: plan };
}

describe('checkNetworkDefinitions', () => {
  it('accepts the default networks', () => {
    const networks = [network('dcos', '9.0.0.0/8', 26), network('dcos6', 'fd01:b::/64', 80)];
    expect(checkNetworkDefinitions(SPACE, networks)).toEqual([]);
  });

  it.each([
    ['network.vtep_subnet', '44.0.0.0/7', { vtepSubnet: parseCidr('44.0.0.0/7') }],
    ['network.vtep_subnet', '44.128.0.0/31', { vtepSubnet: parseCidr('44.128.0.0/31') }],
    ['network.vtep_subnet', '169.254.0.0/16', { vtepSubnet: parseCidr('169.254.0.0/16') }],
    ['network.vtep_subnet6', 'fd01:a::/127', { vtepSubnet6: parseCidr('fd01:a::/127') }],
    ['network.vtep_subnet6', 'fe80::/64', { vtepSubnet6: parseCidr('fe80::/64') }],
    ['network.vtep_mac_oui', '71:b3:d5:00:00:00', { vtepMacOui: parseMacAddress('71:b3:d5:00:00:00') }],
    ['network.vtep_mac_oui', '70:b3:d5:00:00:01', { vtepMacOui: parseMacAddress('70:b3:d5:00:00:01') }],
    ['network.vtep_mtu', '1279', { vtepMtuBytes: 1279 }],
    ['network.vtep_mtu', '65536', { vtepMtuBytes: 65_536 }],
  ])('reports %s of %s', (field, value, wrong) => {
    const violations = checkNetworkDefinitions({ ...SPACE, ...wrong }, []);
    expect(violations).toEqual([{ field, description: expect.stringContaining(value) }]);
  });

  it('takes an MTU from 552 without IPv6', () => {
    const { vtepSubnet, vtepMacOui } = SPACE;
    const withMtu = (vtepMtuBytes: number) =>
      checkNetworkDefinitions({ vtepSubnet, vtepMacOui, vtepMtuBytes }, []);
    expect(withMtu(552)).toEqual([]);
    expect(withMtu(551)).toEqual([
      { field: 'network.vtep_mtu', description: expect.stringContaining('551') },
    ]);
  });

  it.each([
    ['prefix', '8', network('n', '9.0.0.0/8', 8)],
    ['prefix', '30', network('n', '9.0.0.0/8', 30)],
    ['prefix6', '64', network('n', 'fd01:b::/64', 64)],
    ['prefix6', '126', network('n', 'fd01:b::/64', 126)],
    ['subnet', '127.0.0.0/8', network('n', '127.0.0.0/8', 26)],
    ['subnet', '169.254.0.0/16', network('n', '169.254.0.0/16', 26)],
    ['subnet', '224.0.0.0/8', network('n', '224.0.0.0/8', 26)],
    ['subnet', '126.0.0.0/7', network('n', '126.0.0.0/7', 26)],
    ['subnet6', 'fe80::/16', network('n', 'fe80::/16', 80)],
    ['subnet6', 'ff00::/16', network('n', 'ff00::/16', 80)],
    ['subnet6', '::/64', network('n', '::/64', 80)],
    ['subnet', '44.128.0.0/24', network('n', '44.128.0.0/24', 26)],
    ['subnet6', 'fd01:a::/32', network('n', 'fd01:a::/32', 80)],
  ])('reports %s of %s', (key, value, definition) => {
    const violations = checkNetworkDefinitions(SPACE, [definition], 'dcos_overlay_network');
    expect(violations).toContainEqual({
      field: `dcos_overlay_network.overlays[0].${key}`,
      description: expect.stringContaining(value),
    });
  });

  it('takes the longest blocks', () => {
    const networks = [network('a', '9.0.0.0/8', 29), network('b', 'fd01:b::/64', 125)];
    expect(checkNetworkDefinitions(SPACE, networks)).toEqual([]);
  });

  it('reports a repeated name and an overlap on the later network, across unreadable ones', () => {
    const networks = [network('a', '9.1.0.0/16', 26), undefined, network('a', '9.0.0.0/8', 26)];
    expect(checkNetworkDefinitions(SPACE, networks)).toEqual([
      { field: 'network.overlays[2].name', description: expect.stringContaining('"a"') },
      { field: 'network.overlays[2].subnet', description: expect.stringContaining('9.1.0.0/16') },
    ]);
  });

  it('asks for vtep_subnet6 with an IPv6 network', () => {
    const { vtepSubnet, vtepMacOui } = SPACE;
    const violations = checkNetworkDefinitions({ vtepSubnet, vtepMacOui }, [network('n', 'fd01:b::/64', 80)]);
    expect(violations).toEqual([
      { field: 'network.overlays[0].subnet6', description: expect.stringContaining('vtep_subnet6') },
    ]);
  });

  it('finds an overlap exactly where pairs overlap', () => {
    const subnet = fc
      .tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 18, max: 24 }))
      .map(
        ([third, length]) =>
          `10.0.${(third >> Math.max(0, 24 - length)) << Math.max(0, 24 - length)}.0/${length}`,
      );
    fc.assert(
      fc.property(fc.array(subnet, { maxLength: 8 }), (subnets) => {
        const networks = subnets.map((text, index) => network(`n${index}`, text, 28));
        const inBulk = checkNetworkDefinitions(SPACE, networks).length > 0;
        const oneByOne = networks.some(
          (candidate, index) => checkNewNetwork(SPACE, networks.slice(0, index), candidate).length > 0,
        );
        expect(inBulk).toBe(oneByOne);
      }),
    );
  });
});

describe('checkNewNetwork', () => {
  it('accepts a network beside others', () => {
    const others = [network('dcos', '9.0.0.0/8', 26)];
    expect(checkNewNetwork(SPACE, others, network('n', '10.0.0.0/8', 26))).toEqual([]);
  });

  it('reports name, overlap and bounds under the path of the request', () => {
    const others = [network('dcos', '9.0.0.0/8', 26)];
    expect(checkNewNetwork(SPACE, others, network('dcos', '9.1.0.0/16', 30), 'spec')).toEqual([
      { field: 'spec.prefix', description: expect.stringContaining('30') },
      { field: 'spec.name', description: expect.stringContaining('dcos') },
      { field: 'spec.subnet', description: expect.stringContaining('9.0.0.0/8') },
    ]);
  });

  it('reports an overlap with the VTEPs', () => {
    const violations = checkNewNetwork(SPACE, [], network('n', '44.128.0.0/16', 26));
    expect(violations).toEqual([{ field: 'network.subnet', description: expect.stringContaining('VTEPs') }]);
  });
});
