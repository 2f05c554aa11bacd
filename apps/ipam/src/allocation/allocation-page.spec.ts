import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseInterfaceAddress, parseIpAddress } from '@overlay/allocation';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import { pageOf } from './allocation-page.js';
import { IpamState } from './ipam-state.js';
import { parseContainerId, parseInterfaceName } from './owner.js';
import { type AllocationRecord, keyOf } from './records.js';

const COUNT = 2000;

describe('pages of allocations', () => {
  let state: IpamState;
  let looks: number;

  beforeEach(() => {
    state = new IpamState();
    looks = 0;
  });

  function put(network: string, number: number, labels: Readonly<Record<string, string>> = {}) {
    const address = parseInterfaceAddress(`9.${network.length}.${number >> 8}.${number & 255}/16`);
    const record: AllocationRecord = {
      networkId: parseNetworkId(network),
      network: parseNetworkName(network),
      half: 'cni',
      owner: { containerId: parseContainerId(`c${number}`), interface: parseInterfaceName('eth0') },
      addresses: [{ address, gateway: parseIpAddress('9.0.0.1') }],
      labels,
      allocatedAtMs: 1,
      bootId: 'boot',
    };
    state.apply({ kind: 'put_allocation', record });
    return record;
  }

  /** The state, counting the allocations that are looked at. */
  const counting = {
    *allocationsFrom(key: string) {
      for (const entry of state.allocationsFrom(key)) {
        looks += 1;
        yield entry;
      }
    },
  };

  function pages(pageSize: number, network?: string): readonly (readonly string[])[] {
    const found: string[][] = [];
    let pageToken = '';
    do {
      const wanted = { pageSize, pageToken, ...(network === undefined ? {} : { network }) };
      const page = pageOf(counting, wanted);
      found.push(page.allocations.map((record) => keyOf(record)));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return found;
  }

  it('hold each allocation once, in the order of the keys, of one network or of all', () => {
    for (const network of ['b', 'a', 'a.b', 'ab']) for (const number of [3, 1, 2, 20]) put(network, number);
    for (const size of [1, 3, 4, 16, 100]) {
      const all = pages(size).flat();
      expect(all).toHaveLength(16);
      expect(all).toEqual(all.toSorted());
      expect(pages(size, 'a').flat()).toEqual(['c1', 'c2', 'c20', 'c3'].map((id) => `a/cni/${id}/eth0`));
    }
    expect(pages(4, 'a')).toHaveLength(1);
    for (const nobody of ['c', 'a/cni', 'a/']) expect(pages(4, nobody)).toEqual([[]]);
  });

  it('cost their own size', () => {
    for (let number = 0; number < COUNT; number += 1) put('big', number);
    for (const network of [undefined, 'big']) {
      looks = 0;
      const { nextPageToken } = pageOf(counting, {
        pageSize: 10,
        pageToken: '',
        ...(network && { network }),
      });
      pageOf(counting, { pageSize: 10, pageToken: nextPageToken, ...(network && { network }) });
      expect(looks).toBeLessThanOrEqual(23);
    }
  });

  it('stay below the size of a message, and go on behind what is gone', () => {
    for (let number = 0; number < 300; number += 1) put('big', number, { note: 'x'.repeat(8000) });
    const first = pageOf(state, { pageSize: 0, pageToken: '' });
    expect(first.allocations.length).toBeLessThan(100);
    const last = first.allocations.at(-1);
    if (last !== undefined) state.apply({ kind: 'delete_allocation', key: keyOf(last) });
    const second = pageOf(state, { pageSize: 0, pageToken: first.nextPageToken });
    const keys = [...first.allocations, ...second.allocations].map((record) => keyOf(record));
    expect(new Set(keys).size).toBe(keys.length);
    expect(pages(0).flat()).toHaveLength(299);
  });

  it.each([
    ['too large', { pageSize: 1001, pageToken: '' }],
    ['with a token that is none', { pageSize: 1, pageToken: 'junk' }],
  ])('are refused %s', (_case, wanted) => {
    expect(() => pageOf(state, wanted)).toThrow(/page/);
  });
});
