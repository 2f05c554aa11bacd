import { describe, expect, it } from '@jest/globals';
import { parseCidr, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { checkNodeIp } from './agent-address.js';
import { parseNetworkName } from './network-name.js';

const SPACE = {
  vtepSubnet: parseCidr('44.128.0.0/20'),
  vtepSubnet6: parseCidr('fd01:a::/64'),
  vtepMacOui: parseMacAddress('70:b3:d5:00:00:00'),
};
const NETWORK = {
  name: parseNetworkName('dcos'),
  ipv4: { subnet: parseCidr('9.0.0.0/8'), blockLength: 26 },
  ipv6: { subnet: parseCidr('fd01:b::/64'), blockLength: 80 },
  enabled: true,
  isolated: false,
};

describe('checkNodeIp', () => {
  it.each(['10.0.0.7', 'fd00::7'])('accepts %s', (ip) => {
    expect(checkNodeIp(parseIpAddress(ip), SPACE, [NETWORK])).toEqual([]);
  });

  it.each([
    ['127.0.0.1', 'loopback'],
    ['169.254.1.1', 'link-local'],
    ['224.0.0.1', 'multicast'],
    ['0.0.0.0', 'unspecified'],
    ['255.255.255.255', 'broadcast'],
    ['::1', 'loopback'],
    ['::', 'unspecified'],
    ['fe80::1', 'link-local'],
    ['ff02::1', 'multicast'],
    ['44.128.0.2', 'VTEP subnet'],
    ['fd01:a::2', 'VTEP subnet'],
    ['9.0.0.1', 'network dcos'],
    ['fd01:b::1', 'network dcos'],
  ])('refuses %s, %s', (ip, why) => {
    const [violation, ...more] = checkNodeIp(parseIpAddress(ip), SPACE, [NETWORK], undefined, 'node_ip');
    expect(more).toEqual([]);
    expect(violation?.field).toBe('node_ip');
    expect(violation?.description).toContain(`${ip} lies in`);
    expect(violation?.description).toContain(why);
  });

  it('refuses another family than the cluster has', () => {
    const ip = parseIpAddress('fd00::7');
    expect(checkNodeIp(ip, SPACE, [NETWORK], 6)).toEqual([]);
    expect(checkNodeIp(ip, SPACE, [NETWORK], 4)).toEqual([
      { field: 'ip', description: expect.stringContaining('fd00::7 is an IPv6 address') },
    ]);
  });
});
