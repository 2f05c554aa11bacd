import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatPrefix, parsePrefix, prefixSize } from './prefix.js';

describe('parsePrefix', () => {
  it.each([
    ['9.0.1.128/25', '9.0.1.128/25'],
    ['9.0.1.129/25', '9.0.1.128/25'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['fd01:b::/64', 'fd01:b::/64'],
    ['fd01:b:0:0:1::/80', 'fd01:b:0:0:1::/80'],
    ['FD01:B::1:8000:0:0/81', 'fd01:b::1:8000:0:0/81'],
    ['::ffff:1.2.3.4/128', '::ffff:102:304/128'],
    ['::/0', '::/0'],
  ])('reads %s', (text, expected) => {
    const prefix = parsePrefix(text);
    expect(prefix === undefined ? undefined : formatPrefix(prefix)).toBe(expected);
  });

  it.each([
    '',
    '9.0.0.0',
    '9.0.0/8',
    '9.0.0.256/8',
    '9.0.0.0/33',
    'fd01::b::/64',
    'fd01:b/64',
    'x/8',
    '::/129',
    '1:2:3:4:5:6:7:8:9/64',
  ])('does not take %j for a prefix', (text) => {
    expect(parsePrefix(text)).toBeUndefined();
  });

  it('reads what it writes', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
        fc.integer({ min: 0, max: 128 }),
        (value, length) => {
          const shift = BigInt(128 - length);
          const prefix = { bits: 128 as const, first: (value >> shift) << shift, length };
          expect(parsePrefix(formatPrefix(prefix))).toEqual(prefix);
        },
      ),
    );
  });

  it('counts addresses', () => {
    expect(prefixSize({ bits: 32, first: 0n, length: 26 })).toBe(64n);
    expect(prefixSize({ bits: 128, first: 0n, length: 64 })).toBe(2n ** 64n);
  });
});
