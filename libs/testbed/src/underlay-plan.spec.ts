import { describe, expect, it } from '@jest/globals';
import { MAX_HOSTS, planUnderlay } from './underlay-plan.js';

describe('the underlay of a slot', () => {
  it('gives every node an address of its own', () => {
    const plan = planUnderlay(7);
    const hosts = Array.from({ length: MAX_HOSTS }, (_, index) => plan.host(index + 1));
    const all = [plan.master, plan.router, ...hosts];
    expect(new Set(all.map(({ ipv4 }) => ipv4)).size).toBe(MAX_HOSTS + 2);
    expect(new Set(all.map(({ ipv6 }) => ipv6)).size).toBe(MAX_HOSTS + 2);
    expect(plan.host(1)).toEqual({ ipv4: '198.18.7.11', ipv6: 'fd00:198:18:7::11' });
  });

  it.each([0, MAX_HOSTS + 1, 1.5])('has no host %d', (number) => {
    expect(() => planUnderlay(1).host(number)).toThrow(`hosts 1 to ${MAX_HOSTS}`);
  });
});
