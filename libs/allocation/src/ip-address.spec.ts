import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addressToInteger, familyOf, integerToAddress, isIpAddress, parseIpAddress } from './ip-address.js';
import { ipv4FromNumber, ipv4ToNumber } from './ipv4-number.js';

const ipv4 = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n });
/** Groups are zero half of the time, so that runs of zeros of every length and place come up. */
const ipv6 = fc
  .array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.reduce((value, group) => (value << 16n) | group, 0n));

describe('parseIpAddress', () => {
  it.each([
    ['0.0.0.0', '0.0.0.0'],
    ['9.0.1.2', '9.0.1.2'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['FD01:B::1', 'fd01:b::1'],
    ['fd01:000b:0000:0000:0001:0000:0000:0000', 'fd01:b:0:0:1::'],
    ['fd01:b::1:0:0:0', 'fd01:b:0:0:1::'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:7.8.9.10', '1:2:3:4:5:6:708:90a'],
  ])('reads %s as %s', (text, canonical) => {
    expect(parseIpAddress(text)).toBe(canonical);
    expect(isIpAddress(text)).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['a word', 'localhost'],
    ['three octets', '1.2.3'],
    ['five octets', '1.2.3.4.5'],
    ['an empty octet', '1..3.4'],
    ['a leading dot', '.1.2.3'],
    ['a trailing dot', '1.2.3.'],
    ['an octet over 255', '1.2.3.256'],
    ['a leading zero', '1.2.3.04'],
    ['a double zero', '1.2.3.00'],
    ['a hexadecimal octet', '0x1.2.3.4'],
    ['a sign', '1.2.3.-4'],
    ['a plus sign', '+1.2.3.4'],
    ['a single number', '16909060'],
    ['a leading space', ' 1.2.3.4'],
    ['a trailing newline', '1.2.3.4\n'],
    ['digits of another script', '1.2.3.\u0664'],
    ['a prefix length', '1.2.3.4/8'],
    ['seven groups', '1:2:3:4:5:6:7'],
    ['nine groups', '1:2:3:4:5:6:7:8:9'],
    ['two compressions', '1::2::3'],
    ['three colons', ':::'],
    ['a single colon', ':'],
    ['a leading colon', ':1:2:3:4:5:6:7'],
    ['a trailing colon', '1:2:3:4:5:6:7:'],
    ['a compression of nothing', '1:2:3:4::5:6:7:8'],
    ['a group of five digits', '::12345'],
    ['a letter beyond f', '::g'],
    ['a zone', 'fe80::1%eth0'],
    ['brackets', '[::1]'],
    ['a dotted head', '1.2.3.4::'],
    ['a dotted tail with a leading zero', '::01.2.3.4'],
    ['a dotted tail of three octets', '::1.2.3'],
    ['a dotted tail that is too long', '1:2:3:4:5:6:7:1.2.3.4'],
  ])('rejects %s', (_, text) => {
    expect(isIpAddress(text)).toBe(false);
    const parse = () => parseIpAddress(text);
    expect(parse).toThrow(`"${text}" is not an IPv4 or IPv6 address`);
    expect(parse).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });
});

describe('addresses and integers', () => {
  it('convert both ways', () => {
    fc.assert(
      fc.property(ipv4, (integer) => {
        const address = integerToAddress(4, integer);
        expect(familyOf(address)).toBe(4);
        expect(parseIpAddress(address)).toBe(address);
        expect(addressToInteger(address)).toBe(integer);
        expect(ipv4ToNumber(address)).toBe(Number(integer));
        expect(ipv4FromNumber(Number(integer))).toBe(address);
      }),
    );
    fc.assert(
      fc.property(ipv6, (integer) => {
        const address = integerToAddress(6, integer);
        expect(familyOf(address)).toBe(6);
        expect(parseIpAddress(address)).toBe(address);
        expect(addressToInteger(address)).toBe(integer);
      }),
    );
  });

  it('spell IPv6 as the serializer of the URL standard does, which follows RFC 5952', () => {
    fc.assert(
      fc.property(ipv6, (integer) => {
        const address = integerToAddress(6, integer);
        expect(new URL(`http://[${address}]/`).hostname).toBe(`[${address}]`);
      }),
    );
  });

  it('read every spelling of one IPv6 address as the same text', () => {
    fc.assert(
      fc.property(ipv6, (integer) => {
        const full = integer.toString(16).padStart(32, '0').match(/..../g)?.join(':') ?? '';
        expect(parseIpAddress(full.toUpperCase())).toBe(integerToAddress(6, integer));
      }),
    );
  });

  it.each([
    [4, -1n],
    [4, 2n ** 32n],
    [6, 2n ** 128n],
  ] as const)('refuse an integer outside IPv%d: %d', (family, integer) => {
    expect(() => integerToAddress(family, integer)).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});

describe('ipv4ToNumber', () => {
  it('reads up to the given end', () => {
    expect(ipv4ToNumber('9.0.1.0/24', 7)).toBe(0x09000100);
    expect(ipv4ToNumber('9.0.1.0/24')).toBeUndefined();
  });
});
