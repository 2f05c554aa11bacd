import { describe, expect, it } from '@jest/globals';
import { parseIpAddress } from '@overlay/allocation';
import { findUnderlay, type LinkJson, parseLinks } from './read-links.js';
import type { VxlanJson } from './vxlan-faults.js';

const SCOPE = { vtep: 'vtep1024', devices: ['vtep1024', 'm-dcos'], sysctls: [] };

/** A device named like the VTEP, of this type. */
function named(type: string, data: VxlanJson): LinkJson {
  return {
    ifname: 'vtep1024',
    flags: ['UP'],
    mtu: 1420,
    address: '70:b3:d5:80:00:01',
    linkinfo: { info_kind: type, info_data: data },
    addr_info: [{ local: '44.128.0.1', prefixlen: 20, scope: 'global' }],
  };
}

describe('parseLinks', () => {
  it('knows a VXLAN device without a local address as one, to be made anew', () => {
    const [link] = parseLinks([named('vxlan', { id: 1024, port: 64000, learning: false })], SCOPE);
    expect(link).toMatchObject({ type: 'vxlan', vni: 1024, port: 64000, local: undefined });
  });

  it('knows a device that has no link-local address, once it works', () => {
    const vtep = named('vxlan', { id: 1024, port: 64000, learning: false, local: '10.0.0.1' });
    const [global, own] = [
      { local: 'fd01:a::1', prefixlen: 64, scope: 'global' },
      { local: 'fe80::1', prefixlen: 64, scope: 'link' },
    ];
    const mute = (operstate: string, ...addresses: NonNullable<LinkJson['addr_info']>) => {
      const link = { ...vtep, flags: ['UP', 'LOWER_UP'], operstate, addr_info: addresses };
      return parseLinks([link], SCOPE).map((object) => 'mute' in object && object.mute)[0];
    };
    expect(mute('UNKNOWN', global)).toBe(true);
    expect(mute('UNKNOWN', global, own)).toBe(false);
    expect(mute('DOWN', global)).toBe(false);
    expect(mute('UNKNOWN', { local: '169.254.0.1', prefixlen: 20, scope: 'link' })).toBe(true);
  });

  it('knows what keeps packets from being routed', () => {
    const vtep = named('vxlan', { id: 1024, port: 64000, learning: false, local: '10.0.0.1' });
    const bridge = { ...named('bridge', {}), ifname: 'm-dcos', ifalias: 'overlay:net-1' };
    const faults = (link: LinkJson) =>
      parseLinks([link], SCOPE).flatMap((object) => ('faults' in object ? object.faults : []));
    expect(faults({ ...vtep, master: 'br0' })).toEqual(['port']);
    expect(faults({ ...vtep, master: 'br0', flags: ['UP', 'NOARP'] })).toEqual(['port', 'no-arp']);
    expect(faults({ ...bridge, flags: ['UP', 'NOARP'] })).toEqual(['no-arp']);
    expect([vtep, bridge, { ...bridge, master: 'vrf0' }].flatMap(faults)).toEqual([]);
  });

  it('takes a device of another type for somebody else’s, with its addresses', () => {
    expect(parseLinks([named('dummy', {})], SCOPE)).toEqual([
      { kind: 'link', type: 'foreign', name: 'vtep1024' },
    ]);
  });
});

describe('findUnderlay', () => {
  it('passes over addresses of other families', () => {
    const mctp = { ifname: 'mctp0', flags: ['UP'], mtu: 68, addr_info: [{ local: '???', prefixlen: 0 }] };
    const eth = {
      ifname: 'eth0',
      flags: ['UP'],
      mtu: 1500,
      addr_info: [{ local: '10.0.0.1', prefixlen: 24 }],
    };
    const found = { device: 'eth0', mtuBytes: 1500 };
    expect(findUnderlay([mctp, eth], parseIpAddress('10.0.0.1'))).toEqual(found);
  });
});
