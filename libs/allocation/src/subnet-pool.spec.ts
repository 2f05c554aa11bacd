import { describe, expect, it } from '@jest/globals';
import { parseCidr } from './cidr.js';
import { SubnetPool } from './subnet-pool.js';

describe('SubnetPool', () => {
  it('hands out the lowest free block first, the very first included', () => {
    const pool = new SubnetPool(parseCidr('9.0.0.0/8'), 24);
    expect(pool.allocate()).toBe('9.0.0.0/24');
    expect(pool.allocate()).toBe('9.0.1.0/24');
    expect(pool.allocate()).toBe('9.0.2.0/24');
    pool.free(parseCidr('9.0.0.0/24'));
    expect(pool.lowestFree()).toBe('9.0.0.0/24');
    expect(pool.allocate()).toBe('9.0.0.0/24');
    expect(pool.allocate()).toBe('9.0.3.0/24');
  });

  it.each([
    ['9.0.0.0/30', 32, ['9.0.0.0/32', '9.0.0.1/32', '9.0.0.2/32', '9.0.0.3/32']],
    ['255.255.255.0/24', 25, ['255.255.255.0/25', '255.255.255.128/25']],
    ['0.0.0.0/0', 1, ['0.0.0.0/1', '128.0.0.0/1']],
    ['9.0.0.0/24', 24, ['9.0.0.0/24']],
    ['fd01:b::/64', 65, ['fd01:b::/65', 'fd01:b:0:0:8000::/65']],
    ['::1/128', 128, ['::1/128']],
  ])('cuts %s at length %d and then has no more', (subnet, blockLength, blocks) => {
    const pool = new SubnetPool(parseCidr(subnet), blockLength);
    expect(pool.capacity).toBe(BigInt(blocks.length));
    expect(blocks.map(() => pool.allocate())).toEqual(blocks);
    expect(pool.allocate()).toBeUndefined();
    expect(pool.allocateFor('node-a', 0)).toBeUndefined();
    expect(pool.freeCount).toBe(0n);
  });

  it('works with 2^72 blocks', () => {
    const pool = new SubnetPool(parseCidr('fd01:b::/48'), 120);
    const last = parseCidr('fd01:b:0:ffff:ffff:ffff:ffff:ff00/120');
    expect(pool.capacity).toBe(2n ** 72n);
    expect(pool.reserve(last)).toBe(true);
    expect(pool.reserve(last)).toBe(false);
    expect(pool.allocate()).toBe('fd01:b::/120');
    expect(pool.allocate()).toBe('fd01:b::100/120');
    expect(pool.freeCount).toBe(2n ** 72n - 3n);
    pool.free(last);
    expect(pool.isFree(last)).toBe(true);
  });

  it('gives a quarantined block to nobody but its owner until the term is over', () => {
    const pool = new SubnetPool(parseCidr('9.0.0.0/8'), 24);
    const block = parseCidr('9.0.0.0/24');
    pool.reserve(block);
    pool.quarantine(block, 'node-a', 600);
    expect(pool.quarantineOf(block)).toEqual({ owner: 'node-a', untilMs: 600 });
    expect(pool.reserve(block)).toBe(false);
    expect(pool.reserve(block, 'node-b')).toBe(false);
    expect(pool.lowestFree()).toBe('9.0.1.0/24');
    expect(pool.lowestFreeFor('node-b', 599)).toBe('9.0.1.0/24');
    expect(pool.lowestFreeFor('node-a', 599)).toBe('9.0.0.0/24');
    expect(pool.lowestFreeFor('node-b', 600)).toBe('9.0.0.0/24');
    expect(pool.quarantineOf(block)).toBeUndefined();
    expect(pool.quarantinedCount).toBe(0);
  });

  it('lets a plan be looked up first and taken later', () => {
    const pool = new SubnetPool(parseCidr('9.0.0.0/8'), 24);
    const block = pool.allocate() ?? parseCidr('0.0.0.0/0');
    pool.quarantine(block, 'node-a', 600);
    const planned = pool.lowestFreeFor('node-a', 10);
    expect(planned).toBe(block);
    expect(pool.lowestFreeFor('node-a', 10)).toBe(block);
    expect(pool.reserve(block, 'node-a')).toBe(true);
    expect(pool.quarantineOf(block)).toBeUndefined();
    pool.expire(600);
    expect(pool.isFree(block)).toBe(false);
  });

  it('keeps every block of one owner, whether or not they end together', () => {
    const pool = new SubnetPool(parseCidr('9.0.0.0/24'), 26);
    const [first, second, third] = [pool.allocate(), pool.allocate(), pool.allocate()];
    for (const block of [third, first, second]) pool.quarantine(block ?? parseCidr('::/0'), 'node-a', 50);
    expect(pool.allocateFor('node-a', 1)).toBe(first);
    expect(pool.allocateFor('node-a', 2)).toBe(second);
    expect(pool.allocateFor('node-b', 3)).toBe('9.0.0.192/26');
    expect(pool.allocateFor('node-b', 4)).toBeUndefined();
    expect(pool.allocateFor('node-b', 50)).toBe(third);
  });

  it.each([
    ['one outside the subnet', '10.0.0.0/24'],
    ['one of another length', '9.0.0.0/25'],
    ['one whose length only ends alike', 'fd01::/124'],
    ['one of the other family', 'fd01::/24'],
    ['the subnet itself', '9.0.0.0/8'],
  ])('does not know a foreign block: %s', (_, text) => {
    const pool = new SubnetPool(parseCidr('9.0.0.0/8'), 24);
    const foreign = parseCidr(text);
    const refusal = `${text} is not handed out by this pool`;
    expect(pool.contains(foreign)).toBe(false);
    expect(pool.isFree(foreign)).toBe(false);
    expect(() => pool.reserve(foreign)).toThrow(refusal);
    expect(() => pool.free(foreign)).toThrow(refusal);
    expect(() => pool.quarantine(foreign, 'node-a', 1)).toThrow(refusal);
  });

  it('does not know an IPv4 block of the same length in an IPv6 pool', () => {
    const pool = new SubnetPool(parseCidr('::/0'), 24);
    expect(pool.contains(parseCidr('9.0.0.0/24'))).toBe(false);
    expect(pool.contains(parseCidr('fd00::/24'))).toBe(true);
  });

  it('refuses to take back a block twice', () => {
    const pool = new SubnetPool(parseCidr('9.0.0.0/8'), 24);
    const block = parseCidr('9.0.7.0/24');
    expect(() => pool.free(block)).toThrow('9.0.7.0/24 is free already');
    expect(() => pool.quarantine(block, 'node-a', 1)).toThrow('9.0.7.0/24 is free already');
    pool.reserve(block);
    pool.quarantine(block, 'node-a', 1);
    expect(() => pool.free(block)).toThrow('9.0.7.0/24 was given back already and waits for node-a');
    expect(() => pool.free(block)).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  it.each([7, 33, 24.5, Number.NaN])('cannot cut a /8 into blocks of length %d', (blockLength) => {
    expect(() => new SubnetPool(parseCidr('9.0.0.0/8'), blockLength)).toThrow(
      `9.0.0.0/8 cannot be cut into blocks of length ${blockLength}`,
    );
  });
});
