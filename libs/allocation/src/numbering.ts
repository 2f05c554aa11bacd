import { type Cidr, cidrFamily, cidrRange, prefixLength } from './cidr.js';
import { type Integer, type Integers, integersFor, NUMBERS } from './integers.js';
import { ADDRESS_BITS, addressToInteger, type IpAddress, integerToAddress } from './ip-address.js';
import { ipv4FromNumber, ipv4ToNumber } from './ipv4-number.js';

/** How values are numbered: one value for each index from 0 to `size` - 1, in the values' order. */
export interface Numbering<V extends string, T extends Integer = Integer> {
  /** The kind of the indexes. */
  readonly integers: Integers<T>;
  readonly size: T;
  valueAt(index: T): V;
  /** The value's index; undefined if the value has none. */
  indexOf(value: V): T | undefined;
}

/**
 * Numbers the addresses of a prefix that lie 2^`hostBits` apart; a value is the address followed by `suffix`.
 * IPv4 has a way of its own because arithmetic on bigint costs more than all the rest of an allocation.
 */
export function numberAddresses<V extends string>(prefix: Cidr, hostBits: number, suffix = ''): Numbering<V> {
  return cidrFamily(prefix) === 4
    ? numberIpv4<V>(prefix, hostBits, suffix)
    : numberIpv6<V>(prefix, BigInt(hostBits), suffix);
}

function numberIpv4<V extends string>(prefix: Cidr, hostBits: number, suffix: string): Numbering<V, number> {
  const first = Number(cidrRange(prefix).first);
  const step = 2 ** hostBits;
  const size = 2 ** (ADDRESS_BITS[4] - prefixLength(prefix) - hostBits);
  return {
    integers: NUMBERS,
    size,
    valueAt: (index) => (ipv4FromNumber(first + index * step) + suffix) as V,
    indexOf: (value) => {
      if (!value.endsWith(suffix)) return undefined;
      const address = ipv4ToNumber(value, value.length - suffix.length);
      if (address === undefined) return undefined;
      const index = Math.floor((address - first) / step);
      return index >= 0 && index < size ? index : undefined;
    },
  };
}

function numberIpv6<V extends string>(prefix: Cidr, hostBits: bigint, suffix: string): Numbering<V> {
  const { first, last } = cidrRange(prefix);
  const size = (last - first + 1n) >> hostBits;
  const integers = integersFor(size);
  return {
    integers,
    size: integers.of(size),
    valueAt: (index) => (integerToAddress(6, first + (BigInt(index) << hostBits)) + suffix) as V,
    indexOf: (value) => {
      if (!value.includes(':') || !value.endsWith(suffix)) return undefined;
      const address = addressToInteger(value.slice(0, value.length - suffix.length) as IpAddress);
      return address < first || address > last ? undefined : integers.of((address - first) >> hostBits);
    },
  };
}
