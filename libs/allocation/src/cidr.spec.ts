import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  addressAt,
  addressInPrefix,
  addressOrder,
  type Cidr,
  cidrFamily,
  cidrFrom,
  cidrOrder,
  cidrRange,
  cidrSize,
  cidrsOverlap,
  containsAddress,
  containsCidr,
  halvesOf,
  interfaceIp,
  networkAddress,
  parseCidr,
  parseInterfaceAddress,
  prefixLength,
} from './cidr.js';
import { ADDRESS_BITS, integerToAddress, parseIpAddress } from './ip-address.js';

const cidrs: fc.Arbitrary<Cidr> = fc.constantFrom(4 as const, 6 as const).chain((family) => {
  const bits = ADDRESS_BITS[family];
  return fc.integer({ min: 0, max: bits }).chain((length) => {
    const hostBits = BigInt(bits - length);
    return fc
      .bigInt({ min: 0n, max: 2n ** BigInt(length) - 1n })
      .map((network) => cidrFrom(family, network << hostBits, length));
  });
});

describe('parseCidr', () => {
  it.each([
    ['9.0.0.0/8', '9.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['1.2.3.4/32', '1.2.3.4/32'],
    ['FD01:B:0::/64', 'fd01:b::/64'],
    ['::/0', '::/0'],
    ['::1/128', '::1/128'],
  ])('reads %s as %s', (text, canonical) => {
    expect(parseCidr(text)).toBe(canonical);
  });

  it.each([
    ['9.0.0.1/8', '9.0.0.0/8'],
    ['9.0.1.128/24', '9.0.1.0/24'],
    ['1.2.3.4/0', '0.0.0.0/0'],
    ['fd01:b::1/64', 'fd01:b::/64'],
    ['fd01:b::1:8000:0:0/80', 'fd01:b:0:0:1::/80'],
  ])('names the prefix that %s probably means', (text, meant) => {
    const parse = () => parseCidr(text);
    expect(parse).toThrow(`"${text}" has host bits set; the prefix is ${meant}`);
    expect(parse).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });

  it.each([
    ['', 'is not a prefix written as address/length'],
    ['9.0.0.0', 'is not a prefix written as address/length'],
    ['9.0.0.0/', 'is not a prefix written as address/length'],
    ['9.0.0.0/08', 'is not a prefix written as address/length'],
    ['9.0.0.0/-1', 'is not a prefix written as address/length'],
    ['9.0.0.0/+8', 'is not a prefix written as address/length'],
    ['9.0.0.0/8 ', 'is not a prefix written as address/length'],
    ['9.0.0.0/8/8', 'is not a prefix written as address/length'],
    ['9.0.0.0/255.0.0.0', 'is not a prefix written as address/length'],
    ['9.0.0.0/1e1', 'is not a prefix written as address/length'],
    ['9.0.0.0/33', 'an IPv4 prefix has at most 32 bits'],
    ['::/129', 'an IPv6 prefix has at most 128 bits'],
    ['::/999', 'an IPv6 prefix has at most 128 bits'],
    ['/8', '"" is not an IPv4 or IPv6 address'],
    ['9.0.0/8', '"9.0.0" is not an IPv4 or IPv6 address'],
    ['fe80::%1/64', '"fe80::%1" is not an IPv4 or IPv6 address'],
  ])('rejects %j', (text, reason) => {
    const parse = () => parseCidr(text);
    expect(parse).toThrow(`"${text}"`);
    expect(parse).toThrow(reason);
    expect(parse).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(cidrs, (cidr) => {
        expect(parseCidr(cidr)).toBe(cidr);
      }),
    );
  });
});

describe('interface addresses', () => {
  it('keep their host bits', () => {
    expect(parseInterfaceAddress('44.128.0.2/20')).toBe('44.128.0.2/20');
    expect(parseInterfaceAddress('FD01:A::0:2/64')).toBe('fd01:a::2/64');
    expect(() => parseInterfaceAddress('44.128.0.2')).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    );
  });

  it('are made of an address and its prefix', () => {
    const address = parseIpAddress('44.128.0.2');
    const onInterface = addressInPrefix(address, parseCidr('44.128.0.0/20'));
    expect(onInterface).toBe('44.128.0.2/20');
    expect(interfaceIp(onInterface)).toBe(address);
    expect(prefixLength(onInterface)).toBe(20);
  });
});

describe('the parts of a prefix', () => {
  it('fit together', () => {
    fc.assert(
      fc.property(cidrs, (cidr) => {
        const { first, last } = cidrRange(cidr);
        const family = cidrFamily(cidr);
        expect(last - first + 1n).toBe(cidrSize(cidr));
        expect(addressAt(cidr, 0n)).toBe(networkAddress(cidr));
        expect(addressAt(cidr, -1n)).toBe(integerToAddress(family, last));
        expect(cidrFrom(family, first, prefixLength(cidr))).toBe(cidr);
        expect(containsAddress(cidr, addressAt(cidr, cidrSize(cidr) / 2n))).toBe(true);
      }),
    );
  });

  it.each([256n, -257n])('have no address at offset %d of a /24', (offset) => {
    expect(() => addressAt(parseCidr('9.0.1.0/24'), offset)).toThrow('no address at offset');
  });

  it('cannot start between the places of their length', () => {
    expect(() => cidrFrom(4, 1n, 24)).toThrow(expect.objectContaining({ code: 'internal' }));
    expect(() => cidrFrom(4, 0n, 33)).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});

describe('containment', () => {
  it('follows the integers', () => {
    fc.assert(
      fc.property(cidrs, cidrs, (a, b) => {
        const sameFamily = cidrFamily(a) === cidrFamily(b);
        const [rangeA, rangeB] = [cidrRange(a), cidrRange(b)];
        const inside = sameFamily && rangeB.first >= rangeA.first && rangeB.last <= rangeA.last;
        const overlap = sameFamily && rangeB.first <= rangeA.last && rangeB.last >= rangeA.first;
        expect(containsCidr(a, b)).toBe(inside);
        expect(cidrsOverlap(a, b)).toBe(overlap);
        expect(cidrsOverlap(b, a)).toBe(overlap);
      }),
    );
  });

  it('is false across families', () => {
    expect(containsAddress(parseCidr('0.0.0.0/0'), parseIpAddress('::1'))).toBe(false);
    expect(cidrsOverlap(parseCidr('0.0.0.0/0'), parseCidr('::/0'))).toBe(false);
  });
});

describe('halvesOf', () => {
  it('cuts a prefix into two', () => {
    expect(halvesOf(parseCidr('9.0.1.0/24'))).toEqual(['9.0.1.0/25', '9.0.1.128/25']);
    expect(halvesOf(parseCidr('fd01:b:0:0:1::/80'))).toEqual(['fd01:b:0:0:1::/81', 'fd01:b::1:8000:0:0/81']);
  });

  it('gives halves that touch and fill the whole', () => {
    fc.assert(
      fc.property(cidrs, (cidr) => {
        fc.pre(cidrSize(cidr) > 1n);
        const [lower, upper] = halvesOf(cidr);
        expect(cidrRange(lower).first).toBe(cidrRange(cidr).first);
        expect(cidrRange(lower).last + 1n).toBe(cidrRange(upper).first);
        expect(cidrRange(upper).last).toBe(cidrRange(cidr).last);
      }),
    );
  });

  it.each(['9.0.1.1/32', '::1/128'])('refuses %s', (text) => {
    expect(() => halvesOf(parseCidr(text))).toThrow(`${text} cannot be halved`);
  });
});

describe('cidrOrder', () => {
  it('orders as the addresses do', () => {
    fc.assert(
      fc.property(cidrs, cidrs, (a, b) => {
        fc.pre(cidrFamily(a) === cidrFamily(b));
        const [rangeA, rangeB] = [cidrRange(a), cidrRange(b)];
        const [orderA, orderB] = [cidrOrder(a), cidrOrder(b)];
        for (const x of ['first', 'last'] as const)
          for (const y of ['first', 'last'] as const) {
            expect(orderA[x] < orderB[y]).toBe(rangeA[x] < rangeB[y]);
            expect(orderA[x] === orderB[y]).toBe(rangeA[x] === rangeB[y]);
          }
      }),
    );
  });

  it('has a place for each address', () => {
    fc.assert(
      fc.property(cidrs, (cidr) => {
        const { first, last } = cidrOrder(cidr);
        expect(addressOrder(networkAddress(cidr))).toBe(first);
        expect(addressOrder(addressAt(cidr, -1n))).toBe(last);
      }),
    );
  });
});
