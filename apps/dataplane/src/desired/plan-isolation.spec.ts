import { describe, expect, it } from '@jest/globals';
import { parseCidr, parseInterfaceAddress, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { parseNetworkId, parseNetworkName, parseNodeId } from '@overlay/model';
import type { ClusterNetwork, HostDescription } from './host-description.js';
import { planIsolation } from './plan-isolation.js';

const secret: ClusterNetwork = {
  id: parseNetworkId('net-secret'),
  name: parseNetworkName('secret'),
  subnets: [parseCidr('9.0.0.0/8')],
  standing: 'active',
  isolated: true,
};

const host = (network: ClusterNetwork): HostDescription => ({
  nodeId: parseNodeId('node-0'),
  ip: parseIpAddress('10.0.0.1'),
  vtep: {
    name: 'vtep1024',
    vni: 1024,
    address: parseInterfaceAddress('44.128.0.1/20'),
    mac: parseMacAddress('70:b3:d5:80:00:01'),
    mtuBytes: 1420,
  },
  vtepSubnets: [parseCidr('44.128.0.0/20')],
  networks: [
    {
      id: network.id,
      name: network.name,
      prefixes: [parseCidr('9.0.0.0/26')],
      cniBridge: { name: 'm-secret', halves: [parseCidr('9.0.0.0/27')] },
    },
  ],
  clusterNetworks: [network],
  overlayMtuBytes: 1420,
  configureCniBridges: true,
  configureDockerBridges: true,
  enableIpv6: false,
  commandTimeoutMs: 1000,
});

const NOTHING = { forward: [], input: [], output: [] };

describe('planIsolation', () => {
  it('closes forward, input and output by device and by address', () => {
    expect(planIsolation(host(secret))).toEqual({
      forward: [
        'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept',
        'iifname "m-secret" ip saddr != 9.0.0.0/27 counter drop',
        'iifname "m-secret" meta nfproto ipv6 counter drop',
        'iifname "d-secret" meta nfproto ipv4 counter drop',
        'iifname "d-secret" meta nfproto ipv6 counter drop',
        'oifname { "m-secret", "d-secret" } iifname != { "m-secret", "d-secret", "vtep1024" } counter drop',
        'ip saddr 9.0.0.0/8 iifname != { "m-secret", "d-secret", "vtep1024" } counter drop',
        'ip saddr 9.0.0.0/8 ip daddr != 9.0.0.0/8 counter drop',
        'ip saddr != 9.0.0.0/8 ip daddr 9.0.0.0/8 counter drop',
        'oifname { "m-secret", "d-secret" } meta nfproto ipv6 counter drop',
      ],
      input: [
        'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept',
        'iifname "m-secret" ip saddr != 9.0.0.0/27 counter drop',
        'iifname "m-secret" meta nfproto ipv6 counter drop',
        'iifname "d-secret" meta nfproto ipv4 counter drop',
        'iifname "d-secret" meta nfproto ipv6 counter drop',
        'iifname { "m-secret", "d-secret" } ct direction reply ct state established,related accept',
        'iifname { "m-secret", "d-secret" } counter drop',
        'iifname != "lo" ip saddr 9.0.0.0/8 counter drop',
      ],
      output: ['oifname != "vtep1024" accept', 'ip daddr 9.0.0.0/8 counter drop'],
    });
  });

  it('spells the one bridge of a shared pool as nft lists it, without braces', () => {
    const own = host(secret);
    const cniBridge = { name: 'o-secret', halves: [parseCidr('9.0.0.0/26')] };
    const { forward, input } = planIsolation({
      ...own,
      networks: own.networks.map((network) => ({ ...network, cniBridge })),
    });
    expect(forward).toContain('oifname "o-secret" iifname != { "o-secret", "vtep1024" } counter drop');
    expect(forward).toContain('oifname "o-secret" meta nfproto ipv6 counter drop');
    expect(input).toContain('iifname "o-secret" ct direction reply ct state established,related accept');
    expect(input).toContain('iifname "o-secret" counter drop');
  });

  it('has nothing to say about networks that are open', () => {
    expect(planIsolation(host({ ...secret, isolated: false }))).toEqual(NOTHING);
  });

  it('keeps a network closed that is being deleted: Docker may have containers on its bridge', () => {
    const closed = planIsolation(host(secret));
    expect(planIsolation(host({ ...secret, standing: 'deleting' }))).toEqual(closed);
  });
});
