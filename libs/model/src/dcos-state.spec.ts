import { describe, expect, it } from '@jest/globals';
import { renderDcosAgent, renderDcosNetworkInfo, type StateAgentNetwork } from './dcos-state.js';

const vtep = { vni: 1024, name: 'vtep1024', ip: '44.128.0.2/20', ip6: '', mac: '70:b3:d5:80:00:02', mtu: 0 };
const spec = { name: 'dcos', subnet: '9.0.0.0/8', prefix: 24, subnet6: '', prefix6: 0, disabled: false };
const network: StateAgentNetwork = {
  network: spec,
  subnet: '9.0.1.0/24',
  subnet6: '',
  cniBridge: { name: 'm-dcos', ip: '9.0.1.0/25', ip6: '' },
  dockerBridge: { name: 'd-dcos', ip: '9.0.1.128/25', ip6: '' },
  state: { status: 1, error: '' },
};

describe('renderDcosAgent', () => {
  it('names every field as DC/OS does', () => {
    expect(renderDcosAgent({ ip: '10.0.0.2', vtep, networks: [network] })).toStrictEqual({
      ip: '10.0.0.2',
      overlays: [
        {
          info: { name: 'dcos', subnet: '9.0.0.0/8', prefix: 24, enabled: true },
          subnet: '9.0.1.0/24',
          mesos_bridge: { name: 'm-dcos', ip: '9.0.1.0/25' },
          docker_bridge: { name: 'd-dcos', ip: '9.0.1.128/25' },
          backend: {
            vxlan: {
              vni: 1024,
              vtep_name: 'vtep1024',
              vtep_ip: '44.128.0.2/20',
              vtep_mac: '70:b3:d5:80:00:02',
            },
          },
          state: { status: 'STATUS_OK' },
        },
      ],
    });
  });

  it('leaves out what a gateway does not have', () => {
    const bare = { ...network, subnet: '', cniBridge: undefined, dockerBridge: undefined, state: undefined };
    expect(renderDcosAgent({ ip: '10.0.0.2', vtep: undefined, networks: [bare] }).overlays).toStrictEqual([
      { info: { name: 'dcos', subnet: '9.0.0.0/8', prefix: 24, enabled: true } },
    ]);
  });

  it.each([
    [0, 'STATUS_INVALID'],
    [1, 'STATUS_OK'],
    [2, 'STATUS_FAILED'],
    [3, 'STATUS_CONFIGURING'],
    [-1, 'STATUS_INVALID'],
  ])('renders status %i as %s', (status, rendered) => {
    const agent = renderDcosAgent({
      ip: '10.0.0.2',
      vtep,
      networks: [{ ...network, state: { status, error: 'why' } }],
    });
    expect(agent.overlays[0]?.state).toStrictEqual({ status: rendered, error: 'why' });
  });

  it('renders IPv6 halves, the IPv6 tunnel address and the MTU', () => {
    const agent = renderDcosAgent({
      ip: 'fd00::2',
      vtep: { ...vtep, ip6: 'fd01:a::2/64', mtu: 1450 },
      networks: [
        {
          ...network,
          network: {
            name: 'dcos6',
            subnet: '',
            prefix: 0,
            subnet6: 'fd01:b::/64',
            prefix6: 80,
            disabled: true,
          },
          subnet: '',
          subnet6: 'fd01:b:0:0:1::/80',
          cniBridge: { name: 'm-dcos6', ip: '', ip6: 'fd01:b:0:0:1::/81' },
          dockerBridge: undefined,
        },
      ],
    });
    expect(agent.overlays[0]).toMatchObject({
      info: { name: 'dcos6', subnet6: 'fd01:b::/64', prefix6: 80, enabled: false },
      subnet6: 'fd01:b:0:0:1::/80',
      mesos_bridge: { name: 'm-dcos6', ip6: 'fd01:b:0:0:1::/81' },
      backend: { vxlan: { vtep_ip6: 'fd01:a::2/64', vtep_mtu: 1450 } },
    });
    expect(agent.overlays[0]).not.toHaveProperty('docker_bridge');
  });
});

describe('renderDcosNetworkInfo', () => {
  it('renders the address space and every network', () => {
    const space = {
      vtepSubnet: '44.128.0.0/20',
      vtepSubnet6: 'fd01:a::/64',
      vtepMacOui: '70:B3:D5:00:00:00',
      vtepMtu: 0,
    };
    expect(renderDcosNetworkInfo(space, [spec])).toStrictEqual({
      vtep_subnet: '44.128.0.0/20',
      vtep_subnet6: 'fd01:a::/64',
      vtep_mac_oui: '70:B3:D5:00:00:00',
      overlays: [{ name: 'dcos', subnet: '9.0.0.0/8', prefix: 24, enabled: true }],
    });
  });
});
