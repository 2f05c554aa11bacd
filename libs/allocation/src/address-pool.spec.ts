import { describe, expect, it } from '@jest/globals';
import { AddressPool } from './address-pool.js';
import { addressAt, halvesOf, parseCidr } from './cidr.js';
import { parseIpAddress } from './ip-address.js';

describe('AddressPool', () => {
  it('hands out VTEP addresses without network and broadcast', () => {
    const pool = new AddressPool(parseCidr('44.128.0.0/29'));
    expect(pool.capacity).toBe(6n);
    const all = Array.from({ length: 6 }, () => pool.allocate());
    expect(all[0]).toBe('44.128.0.1');
    expect(all[5]).toBe('44.128.0.6');
    expect(pool.allocate()).toBeUndefined();
  });

  it('hands out IPv6 addresses without the subnet-router anycast address', () => {
    const pool = new AddressPool(parseCidr('fd01:a::/126'));
    expect(Array.from({ length: 4 }, () => pool.allocate())).toEqual([
      'fd01:a::1',
      'fd01:a::2',
      'fd01:a::3',
      undefined,
    ]);
  });

  it.each([
    ['9.0.1.0/24', 2n ** 7n - 3n],
    ['9.0.1.0/29', 1n],
    ['fd01:b:0:0:1::/80', 2n ** 47n - 2n],
    ['fd01:b::/64', 2n ** 63n - 2n],
    ['fd01:b::/125', 2n],
  ])('has room for the containers of a half of %s beside the gateway', (block, containers) => {
    for (const half of halvesOf(parseCidr(block))) {
      const gateway = addressAt(half, 1n);
      const pool = new AddressPool(half, [gateway]);
      expect(pool.capacity).toBe(containers);
      expect(pool.freeCount).toBe(containers);
      expect(pool.contains(gateway)).toBe(false);
      expect(pool.isFree(gateway)).toBe(false);
      expect(pool.lowestFree()).toBe(addressAt(half, 2n));
    }
  });

  it.each([
    ['9.0.1.0/31', 0n],
    ['9.0.1.0/32', 0n],
    ['fd01::/127', 1n],
    ['fd01::/128', 0n],
  ])('has no hosts beside the excluded addresses of %s', (text, capacity) => {
    expect(new AddressPool(parseCidr(text)).capacity).toBe(capacity);
  });

  it('counts an address once that is excluded twice', () => {
    const prefix = parseCidr('9.0.1.0/24');
    expect(new AddressPool(prefix, [addressAt(prefix, 0n), addressAt(prefix, 0n)]).capacity).toBe(254n);
  });

  it('refuses to hand out or take back an excluded or foreign address', () => {
    const pool = new AddressPool(parseCidr('9.0.1.0/24'), [parseIpAddress('9.0.1.1')]);
    for (const text of ['9.0.1.0', '9.0.1.1', '9.0.1.255', '9.0.2.0', '9.0.0.255', '::1']) {
      const refusal = `${text} is not handed out by this pool`;
      expect(() => pool.reserve(parseIpAddress(text))).toThrow(refusal);
      expect(() => pool.free(parseIpAddress(text))).toThrow(refusal);
    }
  });

  it('refuses to exclude an address outside the prefix', () => {
    const exclude = () => new AddressPool(parseCidr('9.0.1.0/24'), [parseIpAddress('9.0.2.1')]);
    expect(exclude).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  it('grows by a larger pool that reserves what was taken', () => {
    const taken = [parseIpAddress('44.128.0.1'), parseIpAddress('44.128.15.254')];
    const grown = new AddressPool(parseCidr('44.128.0.0/13'));
    for (const address of taken) expect(grown.reserve(address)).toBe(true);
    expect(grown.lowestFree()).toBe('44.128.0.2');
    expect(grown.freeCount).toBe(2n ** 19n - 4n);
    expect(grown.isFree(parseIpAddress('44.128.15.255'))).toBe(true);
  });
});
