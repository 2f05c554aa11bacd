import { describe, expect, it } from '@jest/globals';
import { type Cidr, cidrFrom, cidrsOverlap } from '@overlay/allocation';
import fc from 'fast-check';
import { PrefixOwners, placePrefix } from './prefix-owners.js';

/** Prefixes of the first 256 addresses of each family, so that many overlap. */
const prefixes = fc
  .tuple(fc.constantFrom(4 as const, 6 as const), fc.nat(255), fc.integer({ min: 0, max: 8 }))
  .map(([family, address, hostBits]): Cidr => {
    const length = (family === 4 ? 32 : 128) - hostBits;
    return cidrFrom(family, BigInt((address >> hostBits) << hostBits), length);
  });

describe('PrefixOwners', () => {
  it('finds what overlaps, as a look at every prefix does, whatever came and went', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), prefixes), { maxLength: 60 });
    fc.assert(
      fc.property(steps, prefixes, (list, question) => {
        const owners = new PrefixOwners<string>();
        const model = new Set<Cidr>();
        for (const [remove, prefix] of list) {
          if (remove) {
            owners.delete(placePrefix(prefix));
            model.delete(prefix);
          } else if (![...model].some((other) => cidrsOverlap(other, prefix))) {
            owners.set(placePrefix(prefix), `owner of ${prefix}`);
            model.add(prefix);
          }
        }
        const expected = [...model].filter((prefix) => cidrsOverlap(prefix, question));
        expect(new Map(owners.overlapping(placePrefix(question)))).toEqual(
          new Map(expected.map((prefix) => [prefix, `owner of ${prefix}`])),
        );
      }),
    );
  });

  it('changes the only prefix of its length among many of another as fast as any', async () => {
    const owners = new PrefixOwners<number>();
    const block = (family: 4 | 6, index: number, length: number) =>
      cidrFrom(family, BigInt(index) << BigInt((family === 4 ? 32 : 128) - length), length);
    for (let index = 4; index < 20_000; index += 1) {
      owners.set(placePrefix(block(4, index, 26)), index);
      owners.set(placePrefix(block(6, index, 80)), index);
    }
    // A look at all others for each of these takes longer than a test may.
    for (let change = 0; change < 1_000; change += 1) {
      for (const alone of [block(4, 0, 24), block(6, 0, 78)].map(placePrefix)) {
        expect(owners.overlapping(alone)).toEqual([]);
        owners.set(alone, change);
        expect(owners.overlapping(alone)).toEqual([[alone.prefix, change]]);
        owners.delete(alone);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
});
