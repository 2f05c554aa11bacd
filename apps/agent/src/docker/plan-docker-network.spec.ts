import { describe, expect, it } from '@jest/globals';
import { dockerNetworkDifferences, unwantedIpv4Subnets } from './compare-docker-network.js';
import type { DockerNetworkSettings } from './docker-networks.js';
import { BRIDGE_OPTIONS, type DockerOverlay, planDockerNetwork } from './plan-docker-network.js';

const dual: DockerOverlay = {
  networkId: 'id-dcos',
  name: 'dcos',
  subnet: '9.0.1.128/25',
  subnet6: 'fd01:b::1:8000:0:0/81',
  mtuBytes: 1420,
  pool: 'split',
};
const six: DockerOverlay = { ...dual, name: 'dcos6', subnet: '' };
const OLD = '20.10.24+dfsg1';

describe('planDockerNetwork', () => {
  it('puts the half on a bridge of its own, with nothing that old engines do not know', () => {
    expect(planDockerNetwork(dual, OLD)).toEqual({
      name: 'dcos',
      driver: 'bridge',
      ipamDriver: 'default',
      ipv4: true,
      ipv6: true,
      internal: false,
      subnets: [
        { subnet: '9.0.1.128/25', gateway: '9.0.1.129', range: '', setAside: [] },
        { subnet: 'fd01:b::1:8000:0:0/81', gateway: 'fd01:b::1:8000:0:1', range: '', setAside: [] },
      ],
      options: {
        'com.docker.network.bridge.name': 'd-dcos',
        'com.docker.network.bridge.enable_ip_masquerade': 'false',
        'com.docker.network.driver.mtu': '1420',
      },
      labels: { 'overlay.network-id': 'id-dcos' },
    });
  });

  it.each([
    ['27.5.1', undefined],
    ['28.0.0', 'nat-unprotected'],
    ['29.1.2', 'nat-unprotected'],
    ['dev', 'nat-unprotected'],
    ['0.0.0-20250101', 'nat-unprotected'],
  ])('asks an engine %s for gateways in mode %s', (version, mode) => {
    const { options } = planDockerNetwork(dual, version);
    expect([options[BRIDGE_OPTIONS.gatewayMode], options[BRIDGE_OPTIONS.gatewayMode6]]).toEqual([mode, mode]);
  });

  it('does without IPv4 where the engine can', () => {
    expect(planDockerNetwork(six, OLD).ipv4).toBe(true);
    const { ipv4, options } = planDockerNetwork(six, '28.0.1');
    expect(ipv4).toBe(false);
    expect(options).not.toHaveProperty([BRIDGE_OPTIONS.gatewayMode]);
  });

  it('gives a shared pool the bridge and the addresses of both runtimes', () => {
    const settings = planDockerNetwork({ ...dual, subnet: '9.0.1.0/24', pool: 'shared' }, OLD);
    expect(settings).toMatchObject({ ipamDriver: 'overlay', options: { [BRIDGE_OPTIONS.name]: 'o-dcos' } });
    expect(settings.subnets[0]).toMatchObject({ subnet: '9.0.1.0/24', gateway: '9.0.1.1' });
  });
});

describe('dockerNetworkDifferences', () => {
  const wanted = planDockerNetwork(dual, '28.0.1');
  const option = (name: string, value: string) => ({ options: { ...wanted.options, [name]: value } });
  const [v4, v6] = wanted.subnets;
  const subnets = (...some: readonly Partial<DockerNetworkSettings['subnets'][number]>[]) => ({
    subnets: some.map((one, index) => ({
      subnet: '',
      gateway: '',
      range: '',
      setAside: [],
      ...wanted.subnets[index],
      ...one,
    })),
  });

  it.each<[string, Partial<DockerNetworkSettings>]>([
    ['nothing', {}],
    ['labels', { labels: {} }],
    ['no gateways told', subnets({ gateway: '' }, { gateway: '' })],
    ['a gateway with its length', subnets({}, { gateway: 'fd01:b::1:8000:0:1/81' })],
    ['another spelling', subnets({}, { subnet: 'fd01:b:0:0:1:8000::/81' })],
    ['the whole subnet as range', subnets({ range: '9.0.1.128/25' }, {})],
    ['an option that changes nothing', option('com.docker.network.bridge.host_binding_ipv4', '0.0.0.0')],
    ['another way to say no', option(BRIDGE_OPTIONS.masquerade, '0')],
    ['talk between containers', option(BRIDGE_OPTIONS.betweenContainers, 'true')],
  ])('sees through %s', (_what, change) => {
    expect(dockerNetworkDifferences(wanted, { ...wanted, ...change })).toEqual([]);
  });

  it.each<[string, Partial<DockerNetworkSettings>]>([
    ['driver is macvlan, must be bridge', { driver: 'macvlan' }],
    ['IPAM driver is other, must be default', { ipamDriver: 'other' }],
    ['internal is true, must be false', { internal: true }],
    ['IPv6 is false, must be true', { ipv6: false }],
    ['subnet is 9.0.2.128/25, must be 9.0.1.128/25', subnets({ subnet: '9.0.2.128/25' }, {})],
    ['subnet is 9.0.1.130/25, must be 9.0.1.128/25', subnets({ subnet: '9.0.1.130/25' }, {})],
    ['gateway of 9.0.1.128/25 is 9.0.1.130, must be 9.0.1.129', subnets({ gateway: '9.0.1.130' }, {})],
    ['range of 9.0.1.128/25 is 9.0.1.192/26, must be 9.0.1.128/25', subnets({ range: '9.0.1.192/26' }, {})],
    ['IPv6 subnet is not set, must be fd01:b::1:8000:0:0/81', { subnets: v4 === undefined ? [] : [v4] }],
    ['subnet is not set, must be 9.0.1.128/25', { subnets: v6 === undefined ? [] : [v6] }],
    [`option ${BRIDGE_OPTIONS.name} is br0, must be d-dcos`, option(BRIDGE_OPTIONS.name, 'br0')],
    [`option ${BRIDGE_OPTIONS.mtu} is 1500, must be 1420`, option(BRIDGE_OPTIONS.mtu, '1500')],
    [
      `option ${BRIDGE_OPTIONS.gatewayMode} is nat, must be nat-unprotected`,
      option(BRIDGE_OPTIONS.gatewayMode, 'nat'),
    ],
    [`option ${BRIDGE_OPTIONS.masquerade} is true, must be false`, option(BRIDGE_OPTIONS.masquerade, 'true')],
    [
      `option ${BRIDGE_OPTIONS.betweenContainers} is false, must be true`,
      option(BRIDGE_OPTIONS.betweenContainers, 'false'),
    ],
  ])('says: %s', (text, change) => {
    expect(dockerNetworkDifferences(wanted, { ...wanted, ...change })).toEqual([text]);
  });

  it('says that IPv6 must not be there', () => {
    const bare = planDockerNetwork({ ...dual, subnet6: '' }, OLD);
    const found = { ...bare, subnets: wanted.subnets };
    const text = 'IPv6 subnet is fd01:b::1:8000:0:0/81, must not be there';
    expect(dockerNetworkDifferences(bare, found)).toEqual([text]);
  });

  it('takes the IPv4 subnet of an engine that cannot do without, and tells it', () => {
    const bare = planDockerNetwork(six, OLD);
    const own = { subnet: '172.18.0.0/16', gateway: '172.18.0.1', range: '', setAside: [] };
    const found = { ...bare, subnets: [own, ...bare.subnets] };
    expect(dockerNetworkDifferences(bare, found)).toEqual([]);
    expect(unwantedIpv4Subnets(bare, found)).toEqual(['172.18.0.0/16']);
    expect(unwantedIpv4Subnets(wanted, wanted)).toEqual([]);
  });
});
