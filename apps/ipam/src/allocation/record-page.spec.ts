import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseInterfaceAddress, parseIpAddress } from '@overlay/allocation';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import { IpamState } from './ipam-state.js';
import { parseContainerId, parseInterfaceName } from './owner.js';
import { allocationList, pageOf, reservationList } from './record-page.js';
import { type AllocationRecord, keyOf } from './records.js';
import { parseReservationName, reservationKey } from './reservation.js';

const COUNT = 2000;

describe('pages of allocations and reservations', () => {
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
      const page = pageOf(allocationList(counting), wanted);
      found.push(page.records.map((record) => keyOf(record)));
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
      const { nextPageToken } = pageOf(allocationList(counting), {
        pageSize: 10,
        pageToken: '',
        ...(network && { network }),
      });
      pageOf(allocationList(counting), {
        pageSize: 10,
        pageToken: nextPageToken,
        ...(network && { network }),
      });
      expect(looks).toBeLessThanOrEqual(23);
    }
  });

  it('stay below the size of a message, and go on behind what is gone', () => {
    for (let number = 0; number < 300; number += 1) put('big', number, { note: 'x'.repeat(8000) });
    const first = pageOf(allocationList(state), { pageSize: 0, pageToken: '' });
    expect(first.records.length).toBeLessThan(100);
    const last = first.records.at(-1);
    if (last !== undefined) state.apply({ kind: 'delete_allocation', key: keyOf(last) });
    const second = pageOf(allocationList(state), { pageSize: 0, pageToken: first.nextPageToken });
    const keys = [...first.records, ...second.records].map((record) => keyOf(record));
    expect(new Set(keys).size).toBe(keys.length);
    expect(pages(0).flat()).toHaveLength(299);
  });

  it.each([
    ['too large', { pageSize: 1001, pageToken: '' }],
    ['with a token that is none', { pageSize: 1, pageToken: 'junk' }],
  ])('are refused %s', (_case, wanted) => {
    expect(() => pageOf(allocationList(state), wanted)).toThrow(/page/);
  });

  it('hold each reservation once, and give no token for the other list', () => {
    const names = ['web', 'db', 'a.b'].map(parseReservationName);
    for (const network of ['b', 'a'].map(parseNetworkName)) {
      for (const name of names) {
        const networkId = parseNetworkId(network);
        const record = { networkId, network, half: 'cni', name, addresses: [], reservedAtMs: 1 } as const;
        state.apply({ kind: 'put_reservation', record });
      }
    }
    const list = reservationList(state);
    const first = pageOf(list, { pageSize: 4, pageToken: '' });
    const second = pageOf(list, { pageSize: 4, pageToken: first.nextPageToken });
    const keys = [...first.records, ...second.records].map(reservationKey);
    expect(keys).toEqual(
      ['a', 'b'].flatMap((network) => ['a.b', 'db', 'web'].map((name) => `${network}/cni/${name}`)),
    );
    expect(second.nextPageToken).toBe('');
    expect(pageOf(list, { network: 'a', pageSize: 0, pageToken: '' }).records).toHaveLength(3);
    expect(() => pageOf(allocationList(state), { pageSize: 4, pageToken: first.nextPageToken })).toThrow(
      /page_token/,
    );
    const [record] = first.records;
    if (record !== undefined) state.apply({ kind: 'delete_reservation', key: reservationKey(record) });
    expect(pageOf(list, { pageSize: 0, pageToken: '' }).records).toHaveLength(5);
  });
});
