import { describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { DCOS, HOST } from '../reconcile/testing/host-fixture.js';
import { planForeignIpv4 } from './plan-foreign-ipv4.js';

const SIX = { ...DCOS, subnets: [parseCidr('fd01:b::/64')] };
const NETWORK = {
  id: DCOS.id,
  name: DCOS.name,
  prefixes: [parseCidr('fd01:b::/80')],
  dockerBridge: { name: 'd-dcos', halves: [parseCidr('fd01:b:0:0:0:8000::/81')] },
};

describe('planForeignIpv4', () => {
  it('drops IPv4 on the Docker bridge of a network without it', () => {
    expect(planForeignIpv4({ ...HOST, networks: [NETWORK], clusterNetworks: [SIX] })).toEqual([
      'iifname "d-dcos" meta nfproto ipv4 counter drop',
      'oifname "d-dcos" meta nfproto ipv4 counter drop',
    ]);
  });

  it('leaves networks with IPv4 alone, and hosts without Docker’s half', () => {
    expect(planForeignIpv4({ ...HOST, networks: [NETWORK] })).toEqual([]);
    expect(planForeignIpv4({ ...HOST, clusterNetworks: [SIX] })).toEqual([]);
    const without = { ...HOST, networks: [NETWORK], clusterNetworks: [SIX], configureDockerBridges: false };
    expect(planForeignIpv4(without)).toEqual([]);
  });
});
