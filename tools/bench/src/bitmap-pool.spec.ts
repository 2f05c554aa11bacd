import { describe, expect, it } from '@jest/globals';
import { parseCidr, SubnetPool } from '@overlay/allocation';
import { BitmapPool } from './bitmap-pool.js';
import { randomIntegers } from './random-integers.js';

describe('BitmapPool', () => {
  it('hands out what the product hands out, so that both do the same work', () => {
    const subnet = parseCidr('9.0.0.0/24');
    const [bitmap, product] = [new BitmapPool(subnet, 30), new SubnetPool(subnet, 30)];
    const random = randomIntegers(7);
    const taken = [];
    for (let round = 0; round < 500; round += 1) {
      const [leaving] = random(3) === 0 ? taken.splice(random(taken.length), 1) : [];
      if (leaving !== undefined) {
        bitmap.free(leaving);
        product.free(leaving);
      }
      const block = product.allocate();
      expect(bitmap.allocate()).toBe(block);
      if (block !== undefined) taken.push(block);
    }
    expect(taken).toHaveLength(64);
  });
});
