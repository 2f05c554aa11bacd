import { describe, expect, it } from '@jest/globals';
import { cidrFrom, cidrRange, parseCidr, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import fc from 'fast-check';
import { bridgeName, cniHalf, containerCapacity, dockerHalf, gatewayOf } from './halves.js';
import { parseNetworkName } from './network-name.js';
import { vtepMac } from './vtep.js';

const OUI = parseMacAddress('70:b3:d5:00:00:00');

describe('the halves of a block', () => {
  it('are the ones that DC/OS hands out', () => {
    expect(cniHalf(parseCidr('9.0.1.0/24'))).toBe('9.0.1.0/25');
    expect(dockerHalf(parseCidr('9.0.1.0/24'))).toBe('9.0.1.128/25');
    expect(cniHalf(parseCidr('fd01:b:0:0:1::/80'))).toBe(parseCidr('fd01:b:0:0:1::/81'));
    expect(dockerHalf(parseCidr('fd01:b:0:0:1::/80'))).toBe(parseCidr('fd01:b::1:8000:0:0/81'));
  });

  it('tile the block', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 29 }), fc.nat(2 ** 29), (length, place) => {
        const block = cidrFrom(4, BigInt(place % 2 ** length) << BigInt(32 - length), length);
        const [cni, docker, whole] = [cniHalf(block), dockerHalf(block), block].map(cidrRange);
        expect([cni?.first, docker?.last]).toEqual([whole?.first, whole?.last]);
        expect((cni?.last ?? 0n) + 1n).toBe(docker?.first);
      }),
    );
  });

  it('have bridges whose names fit a device', () => {
    expect(bridgeName('cni', parseNetworkName('dcos'))).toBe('m-dcos');
    expect(bridgeName('docker', parseNetworkName('abcdefghijklm'))).toBe('d-abcdefghijklm');
  });

  it('have their gateway second', () => {
    expect(gatewayOf(parseCidr('9.0.1.128/25'))).toBe('9.0.1.129');
    expect(gatewayOf(parseCidr('fd01:b::/81'))).toBe('fd01:b::1');
  });

  it.each([
    ['9.0.0.0/30', 1n],
    ['9.0.0.0/27', 29n],
    ['9.0.0.0/32', 0n],
    ['fd00::/126', 2n],
    ['fd00::/65', 2n ** 63n - 2n],
    ['fd00::/48', 2n ** 64n - 1n],
  ])('hold as many containers as they have addresses left: %s', (half, capacity) => {
    expect(containerCapacity(parseCidr(half))).toBe(capacity);
  });
});

describe('vtepMac', () => {
  it('is the OUI followed by the low 24 bits of the address', () => {
    expect(vtepMac(OUI, parseIpAddress('44.128.0.2'))).toBe('70:b3:d5:80:00:02');
  });

  it('differs for any two addresses of a /8', () => {
    const low = fc.nat(2 ** 24 - 1);
    const macOf = (bits: number) =>
      vtepMac(OUI, parseIpAddress(`44.${bits >> 16}.${(bits >> 8) & 255}.${bits & 255}`));
    fc.assert(fc.property(low, low, (a, b) => expect(macOf(a) === macOf(b)).toBe(a === b)));
  });
});
