import { describe, expect, it } from '@jest/globals';
import { parseCidr, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { DCOS, HOST, peer } from '../reconcile/testing/host-fixture.js';
import type { PeerDescription } from './peer-description.js';
import { peerRefusal } from './refuse-peer.js';

const claiming = (prefix: string) => [{ networkId: DCOS.id, prefix: parseCidr(prefix) }];

describe('peerRefusal', () => {
  it('takes a peer that minds its own business', () => {
    expect(peerRefusal(HOST)(peer(1))).toBeUndefined();
  });

  it.each<[string, Partial<PeerDescription>, RegExp]>([
    ['our underlay address', { ip: HOST.ip }, /underlay address 10\.0\.0\.1 is this host's own/],
    ['an address of the other family', { ip: parseIpAddress('fd00::2') }, /another family/],
    [
      'an underlay address in the overlay',
      { ip: parseIpAddress('9.1.1.1') },
      /inside the overlay's 9\.0\.0\.0\/8/,
    ],
    [
      'our VTEP address',
      { vtepIp: parseIpAddress('44.128.0.1') },
      /VTEP address 44\.128\.0\.1 is this host's own/,
    ],
    ['our IPv6 VTEP address', { vtepIp6: parseIpAddress('fd01:a::1') }, /fd01:a::1 is this host's own/],
    [
      'a VTEP address of no VTEP subnet',
      { vtepIp: parseIpAddress('8.8.8.8') },
      /lies outside 44\.128\.0\.0\/20/,
    ],
    ['our VTEP MAC', { vtepMac: HOST.vtep.mac }, /VTEP MAC address .* is this host's own/],
    ['a loopback address', { ip: parseIpAddress('127.0.0.1') }, /lies in 127\.0\.0\.0\/8, loopback/],
    ['a multicast address', { ip: parseIpAddress('224.0.0.9') }, /lies in 224\.0\.0\.0\/4, multicast/],
    ['no MAC at all', { vtepMac: parseMacAddress('00:00:00:00:00:00') }, /is no device's/],
    ['a group MAC', { vtepMac: parseMacAddress('01:00:5e:00:00:01') }, /is a group address/],
    ['our block', { prefixes: claiming('9.0.0.0/26') }, /overlaps this host's own 9\.0\.0\.0\/26/],
    ['a part of our block', { prefixes: claiming('9.0.0.16/28') }, /overlaps this host's own/],
    ['a block around ours', { prefixes: claiming('9.0.0.0/16') }, /overlaps this host's own/],
    ['a block outside its network', { prefixes: claiming('8.8.8.0/24') }, /lies outside network dcos/],
  ])('refuses one that claims %s', (_, claim, reason) => {
    expect(peerRefusal(HOST)({ ...peer(1), ...claim })).toMatch(reason);
  });
});
