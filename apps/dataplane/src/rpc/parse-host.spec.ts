import { describe, expect, it } from '@jest/globals';
import { type ApplyHostRequest, NetworkOrigin, NetworkPhase } from '@overlay/contracts';
import { toOverlayError } from '@overlay/failure';
import { parseHost } from './parse-host.js';

function request(): ApplyHostRequest {
  const spec = {
    name: 'dcos',
    subnet: '9.0.0.0/8',
    prefix: 26,
    subnet6: 'FD01:B::/64',
    prefix6: 80,
    disabled: false,
    isolated: false,
  };
  return {
    assignment: {
      nodeId: 'node-1',
      ip: '10.0.0.1',
      vtep: {
        vni: 1024,
        name: 'vtep1024',
        ip: '44.128.0.1/20',
        ip6: 'fd01:a::1/64',
        mac: '70:B3:D5:80:00:01',
        mtu: 0,
      },
      networks: [
        {
          networkId: 'net-1',
          network: spec,
          subnet: '9.0.0.0/26',
          subnet6: 'fd01:b::/80',
          routedPrefixes: ['9.0.0.0/26', 'fd01:b::/80', '9.9.9.9/32'],
          cniBridge: { name: 'm-dcos', ip: '9.0.0.0/27', ip6: 'fd01:b::/81' },
          dockerBridge: undefined,
          state: undefined,
        },
      ],
    },
    addressSpace: {
      vtepSubnet: '44.128.0.0/20',
      vtepSubnet6: 'fd01:a::/64',
      vtepMacOui: '70:B3:D5:00:00:00',
      vtepMtu: 0,
    },
    networks: [{ id: 'net-1', spec, origin: NetworkOrigin.CONFIGURATION, phase: NetworkPhase.ACTIVE }],
    overlayMtu: 1420,
    configureCniBridges: true,
    enableIpv6: true,
    commandTimeoutMs: 0,
    configureDockerBridges: false,
  };
}

/** The fields that are wrong after `spoil` changed a right request. */
function violations(spoil: (request: ApplyHostRequest) => void): readonly string[] {
  const spoilt = structuredClone(request());
  spoil(spoilt);
  try {
    parseHost(spoilt);
    return [];
  } catch (error) {
    return toOverlayError(error).violations.map(({ field }) => field);
  }
}

describe('parseHost', () => {
  it('reads a whole description into canonical values', () => {
    expect(parseHost(request())).toMatchObject({
      nodeId: 'node-1',
      vtep: { mac: '70:b3:d5:80:00:01', mtuBytes: 1420 },
      vtepSubnets: ['44.128.0.0/20', 'fd01:a::/64'],
      networks: [
        {
          prefixes: ['9.0.0.0/26', 'fd01:b::/80', '9.9.9.9/32'],
          cniBridge: { name: 'm-dcos', halves: ['9.0.0.0/27', 'fd01:b::/81'] },
        },
      ],
      clusterNetworks: [{ subnets: ['9.0.0.0/8', 'fd01:b::/64'], standing: 'active' }],
      commandTimeoutMs: 15_000,
    });
  });

  it('takes the VTEP’s own MTU before that of the address space, and that before the overlay’s', () => {
    const mtu = (vtepMtu: number, spaceMtu: number) => {
      const { assignment, addressSpace, ...rest } = request();
      if (assignment?.vtep) assignment.vtep.mtu = vtepMtu;
      if (addressSpace) addressSpace.vtepMtu = spaceMtu;
      return parseHost({ assignment, addressSpace, ...rest }).vtep.mtuBytes;
    };
    expect([mtu(1500, 1450), mtu(0, 1450), mtu(0, 0)]).toEqual([1500, 1450, 1420]);
  });

  it('takes a VTEP MTU that is too small for IPv6 where the VTEP has no IPv6 address or IPv6 is off', () => {
    const small = (ip6: string, enableIpv6: boolean) =>
      violations((r) => {
        Object.assign(r, { enableIpv6 });
        Object.assign(r.assignment?.vtep ?? {}, { ip6, mtu: 552 });
      });
    expect(small('', true)).toEqual([]);
    expect(small('fd01:a::1/64', false)).toEqual([]);
    expect(small('fd01:a::1/64', true)).toEqual(['assignment.vtep.mtu']);
    expect(violations((r) => Object.assign(r.assignment?.vtep ?? {}, { ip6: '', mtu: 551 }))).toEqual([
      'assignment.vtep.mtu',
    ]);
  });

  it.each<[string, (request: ApplyHostRequest) => void]>([
    ['assignment', (r) => Object.assign(r, { assignment: undefined })],
    ['address_space', (r) => Object.assign(r, { addressSpace: undefined })],
    ['overlay_mtu', (r) => Object.assign(r, { overlayMtu: 1279 })],
    ['assignment.vtep', (r) => Object.assign(r.assignment ?? {}, { vtep: undefined })],
    ['assignment.node_id', (r) => Object.assign(r.assignment ?? {}, { nodeId: 'a b' })],
    ['assignment.ip', (r) => Object.assign(r.assignment ?? {}, { ip: '10.0.0.1; reboot' })],
    ['assignment.vtep.name', (r) => Object.assign(r.assignment?.vtep ?? {}, { name: 'vtep 1024' })],
    ['assignment.vtep.mac', (r) => Object.assign(r.assignment?.vtep ?? {}, { mac: '01:00:5e:00:00:01' })],
    ['assignment.vtep.ip', (r) => Object.assign(r.assignment?.vtep ?? {}, { ip: '10.0.0.1/20' })],
    ['assignment.vtep.ip6', (r) => Object.assign(r.assignment?.vtep ?? {}, { ip6: '44.128.0.9/20' })],
    ['assignment.vtep.vni', (r) => Object.assign(r.assignment?.vtep ?? {}, { vni: 0 })],
    ['assignment.vtep.mtu', (r) => Object.assign(r.assignment?.vtep ?? {}, { mtu: 70_000 })],
    ['address_space.vtep_subnet', (r) => Object.assign(r.addressSpace ?? {}, { vtepSubnet: 'fd01:a::/64' })],
    ['networks[0].id', (r) => Object.assign(r.networks[0] ?? {}, { id: '' })],
    ['networks[0].spec', (r) => Object.assign(r.networks[0] ?? {}, { spec: undefined })],
    ['networks[0].spec.name', (r) => Object.assign(r.networks[0]?.spec ?? {}, { name: '../etc' })],
    ['networks[0].spec.subnet', (r) => Object.assign(r.networks[0]?.spec ?? {}, { subnet: '9.0.0.1/8' })],
    ['networks', (r) => r.networks.push(...r.networks)],
    [
      'assignment.networks[0].subnet',
      (r) => Object.assign(r.assignment?.networks[0] ?? {}, { subnet: '8.0.0.0/26' }),
    ],
    [
      'assignment.networks[0].routed_prefixes[0]',
      (r) => Object.assign(r.assignment?.networks[0] ?? {}, { routedPrefixes: ['0.0.0.0/0'] }),
    ],
    [
      'assignment.networks[0].cni_bridge.name',
      (r) => Object.assign(r.assignment?.networks[0]?.cniBridge ?? {}, { name: 'eth0' }),
    ],
    [
      'assignment.networks[0].cni_bridge.ip',
      (r) => Object.assign(r.assignment?.networks[0]?.cniBridge ?? {}, { ip: '9.1.0.0/27' }),
    ],
  ])('names %s', (field, spoil) => {
    expect(violations(spoil)).toContain(field);
  });
});
