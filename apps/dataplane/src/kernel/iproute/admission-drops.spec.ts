import { describe, expect, it } from '@jest/globals';
import { parseAdmissionDrops } from './admission-drops.js';

const rule = (chain: string, packets?: number) => ({
  rule: { chain, expr: packets === undefined ? [{}] : [{}, { counter: { packets } }] },
});

describe('parseAdmissionDrops', () => {
  it('takes each chain for its reason', () => {
    const nftables = [{}, rule('input'), rule('input', 12), rule('tunnel'), rule('tunnel', 3)];
    expect(parseAdmissionDrops({ nftables })).toEqual({ stranger: 12, source: 3 });
  });

  it('counts nothing where there is no table', () => {
    expect(parseAdmissionDrops({ nftables: [] })).toEqual({ stranger: 0, source: 0 });
  });
});
