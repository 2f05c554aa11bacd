import { describe, expect, it } from '@jest/globals';
import { type LinkJson, parseLinks } from './read-links.js';

const SCOPE = { vtep: 'vtep1024', devices: ['vtep1024', 'm-dcos'], sysctls: [] };

/** A device named like the VTEP, of this type. */
function named(type: string, data: object): LinkJson {
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

  it('takes a device of another type for somebody else’s, with its addresses', () => {
    expect(parseLinks([named('dummy', {})], SCOPE)).toEqual([
      { kind: 'link', type: 'foreign', name: 'vtep1024' },
    ]);
  });
});
