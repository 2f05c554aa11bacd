import { describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { checkNetworks, type NetworkEvent, type ShownNetwork } from './network-history.js';

const networkOf = (name: string, subnet: string, more: Partial<ShownNetwork> = {}): ShownNetwork => ({
  id: `id-${name}`,
  name,
  subnets: [parseCidr(subnet)],
  isolated: false,
  deleting: false,
  ...more,
});
const begun = (name: string): NetworkEvent => ({ type: 'network-begun', name });
const set = (network: ShownNetwork): NetworkEvent => ({ type: 'network-set', network });
const deleted = (name: string): NetworkEvent => ({ type: 'network-deleted', name });
const check = (events: readonly NetworkEvent[], ...networks: readonly ShownNetwork[]) =>
  checkNetworks(events, [{ name: 'm1', networks }]);

const A = networkOf('a', '10.0.0.0/16');
const B = networkOf('b', '10.1.0.0/16');

describe('a history of networks', () => {
  it('is right when everything is as it was acknowledged', () => {
    const events = [begun('a'), set(A), begun('b'), set(B), begun('b'), deleted('b')];
    expect(check(events, A)).toEqual([]);
    expect(check(events, A, { ...B, deleting: true })).toEqual([]);
  });

  it('is wrong when two networks overlap at one time', () => {
    const wide = networkOf('w', '10.0.0.0/8');
    expect(check([set(A), set(wide)], A, wide)).toEqual([
      'the acknowledged networks: a (id-a 10.0.0.0/16) overlaps w (id-w 10.0.0.0/8)',
      'm1: a (id-a 10.0.0.0/16) overlaps w (id-w 10.0.0.0/8)',
    ]);
    expect(check([set(A), begun('a'), deleted('a'), set(wide)], wide)).toEqual([]);
  });

  it('is wrong when an acknowledged creation, change or deletion is lost', () => {
    expect(check([set(A)])).toEqual(['m1: a (id-a 10.0.0.0/16) was created and is not there']);
    expect(check([set(A), begun('a'), set({ ...A, isolated: true })], A)).toEqual([
      'm1: a (id-a 10.0.0.0/16) was acknowledged as a (id-a 10.0.0.0/16 isolated)',
    ]);
    expect(check([set(A), begun('a'), deleted('a')], A)).toEqual(['m1: a was deleted and is there']);
  });

  it('is wrong when a deleted network comes back, or one that nobody asked for', () => {
    expect(check([set(A), deleted('a'), set(A)], A)).toEqual(['a came back with the id id-a']);
    expect(check([], B)).toEqual(['m1: network b is there and nobody asked']);
  });

  it('leaves open what was begun and never acknowledged', () => {
    expect(check([begun('a')])).toEqual([]);
    expect(check([begun('a')], A)).toEqual([]);
    expect(check([set(A), begun('a')], { ...A, isolated: true })).toEqual([]);
  });
});
