import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseCidr, parseIpAddress } from '@overlay/allocation';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import { ManualHostClock } from '../manual-host-clock.js';
import { MemoryAllocationStore } from '../store/memory-allocation-store.js';
import { AddressBook } from './address-book.js';
import { capacityOf } from './capacity.js';
import { parseContainerId, parseInterfaceName } from './owner.js';
import { planAllocation } from './plan-allocation.js';
import { planPools } from './plan-pools.js';
import { planRelease } from './plan-release.js';
import { planExpiry, planReservation, planUnreservation } from './plan-reservation.js';
import { parseReservationName } from './reservation.js';

const HALF = { network: 'dcos', half: 'cni' } as const;
const COOLDOWN = { cooldownMs: 30_000, rememberedCount: 100 };
const POOL = { ...HALF, networkId: parseNetworkId('n1'), network: parseNetworkName('dcos') };
const HOUR_MS = 3_600_000;

function owner(containerId: string) {
  return { containerId: parseContainerId(containerId), interface: parseInterfaceName('eth0') };
}

describe('reservations', () => {
  let store: MemoryAllocationStore;
  let clock: ManualHostClock;
  let book: AddressBook;

  beforeEach(async () => {
    store = new MemoryAllocationStore();
    clock = new ManualHostClock();
    book = await AddressBook.open(store, clock.instant());
    await configure('9.0.1.0/29', 'fd01:b::/125');
  });

  const configure = (subnet?: string, subnet6?: string) => {
    const v4 = subnet === undefined ? {} : { subnet: parseCidr(subnet) };
    const v6 = subnet6 === undefined ? {} : { subnet6: parseCidr(subnet6) };
    return book.change((state) => planPools(state, [{ ...POOL, ...v4, ...v6 }]));
  };

  const moment = () => ({ at: clock.instant(), cooldown: COOLDOWN });

  async function reserve(name: string, ips: readonly string[] = [], ttlMs?: number) {
    const wish = { ...HALF, name: parseReservationName(name), requestedIps: ips.map(parseIpAddress) };
    const term = { ...(ttlMs === undefined ? {} : { ttlMs }), at: clock.instant(), nowMs: clock.nowMs() };
    const { addresses } = await book.change((state) => planReservation(state, { ...wish, ...term }));
    return addresses;
  }

  const unreserve = (name: string) =>
    book.change((state) => planUnreservation(state, { ...HALF, name: parseReservationName(name) }, moment()));

  async function add(containerId: string, wish: { reservation?: string; ips?: readonly string[] } = {}) {
    const { addresses, reservation } = await book.change((state) =>
      planAllocation(state, {
        ...HALF,
        owner: owner(containerId),
        requestedIps: (wish.ips ?? []).map(parseIpAddress),
        ...(wish.reservation === undefined ? {} : { reservation: parseReservationName(wish.reservation) }),
        labels: {},
        nowMs: clock.nowMs(),
        ...moment(),
      }),
    );
    return [...addresses.map(({ address }) => address.split('/')[0]), reservation];
  }

  const del = (containerId: string) =>
    book.change((state) => planRelease(state, { ...HALF, owner: owner(containerId), ...moment() }));

  const row = () =>
    book.read((state) => capacityOf(state, { at: clock.instant(), cooldownMs: COOLDOWN.cooldownMs })[0]);

  const expire = () => book.change((state) => planExpiry(state, moment()));

  it('set addresses aside that only who names them gets, time and again', async () => {
    expect(await reserve('db')).toEqual(['9.0.1.2', 'fd01:b::2']);
    expect(await add('other')).toEqual(['9.0.1.3', 'fd01:b::3', undefined]);
    expect(await row()).toMatchObject({ total: 5n, used: 1n, reserved: 1n, cooling: 0n, free: 3n });
    for (const container of ['first', 'second']) {
      expect(await add(container, { reservation: 'db' })).toEqual(['9.0.1.2', 'fd01:b::2', 'db']);
      expect(await row()).toMatchObject({ used: 2n, reserved: 0n });
      await del(container);
      expect(await row()).toMatchObject({ used: 1n, reserved: 1n, cooling: 0n });
    }
    expect(await add('third', { ips: ['9.0.1.2'] })).toEqual(['9.0.1.2', 'fd01:b::4', 'db']);
  });

  it('are repeatable, and say what is in their way', async () => {
    expect(await reserve('db', ['9.0.1.5'])).toEqual(['9.0.1.5', 'fd01:b::2']);
    expect(await reserve('db')).toEqual(['9.0.1.5', 'fd01:b::2']);
    await expect(reserve('db', ['9.0.1.4'])).rejects.toMatchObject({
      code: 'already_exists',
      message: 'reservation db has 9.0.1.5 already; unreserve it before it gets 9.0.1.4',
    });
    await expect(reserve('web', ['9.0.1.5'])).rejects.toMatchObject({
      message: 'requested address 9.0.1.5 of network dcos is reserved as db',
    });
    await expect(reserve('web', ['9.0.1.1'])).rejects.toMatchObject({ code: 'invalid_argument' });
    await add('a');
    await expect(reserve('web', ['9.0.1.2'])).rejects.toMatchObject({
      message: 'requested address 9.0.1.2 of network dcos is held by container a interface eth0',
    });
  });

  it('are refused to a second container, under an unknown name and with another address', async () => {
    await reserve('db');
    await add('a', { reservation: 'db' });
    await expect(add('b', { reservation: 'db' })).rejects.toMatchObject({ code: 'already_exists' });
    await expect(add('b', { reservation: 'none' })).rejects.toMatchObject({
      code: 'not_found',
      message: 'the cni half of network dcos has no reservation none here; reserve it first',
    });
    await expect(add('b', { reservation: 'db', ips: ['9.0.1.6'] })).rejects.toMatchObject({
      code: 'invalid_argument',
      violations: [
        {
          field: 'requested_ips[0]',
          description: expect.stringContaining('9.0.1.6 is not that of reservation db'),
        },
      ],
    });
  });

  it.each([
    ['one family', '9.0.9.0/29', 'fd01:b::/125', '9.0.1.2'],
    ['both', '9.0.9.0/29', 'fd01:9::/125', '9.0.1.2, fd01:b::2'],
    ['the only one left', '9.0.9.0/29', undefined, '9.0.1.2, fd01:b::2'],
  ])('have to be made again when the block of %s changed', async (_case, subnet, subnet6, lost) => {
    await reserve('db');
    await add('a', { reservation: 'db' });
    await configure(subnet, subnet6);
    for (const container of ['a', 'b']) {
      await expect(add(container, { reservation: 'db' })).rejects.toMatchObject({
        code: 'failed_precondition',
        message: `reservation db has ${lost}, which the cni half of network dcos cannot give any more; reserve it again`,
      });
    }
    await del('a');
    const again = await reserve('db');
    expect(again[0]).toBe('9.0.9.2');
    expect(await add('b', { reservation: 'db' })).toEqual([...again, 'db']);
  });

  it('give the family that they have when another came or went', async () => {
    await reserve('db');
    await configure('9.0.1.0/29');
    expect(await add('a', { reservation: 'db' })).toEqual(['9.0.1.2', 'db']);
    await del('a');
    await reserve('web');
    await configure('9.0.1.0/29', 'fd01:b::/125');
    expect(await add('b', { reservation: 'web' })).toEqual(['9.0.1.3', 'fd01:b::3', 'web']);
  });

  it('are given anew although a container of an earlier boot holds them still', async () => {
    await reserve('db');
    const namespace = { networkNamespace: '/run/netns/a' };
    const wish = { ...HALF, ...namespace, reservation: parseReservationName('db'), requestedIps: [] };
    const record = { ...wish, owner: owner('a'), labels: {}, nowMs: 1, ...moment() };
    await book.change((state) => planAllocation(state, record));
    await expect(add('b', { reservation: 'db' })).rejects.toMatchObject({ code: 'already_exists' });
    clock.reboot();
    expect(await add('b', { reservation: 'db' })).toEqual(['9.0.1.2', 'fd01:b::2', 'db']);
    expect(await row()).toMatchObject({ used: 1n, reserved: 0n, cooling: 0n });
  });

  it('fill a half as allocations do', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await reserve(name);
    await add('x');
    await expect(add('y')).rejects.toMatchObject({ code: 'resource_exhausted' });
    await expect(reserve('e')).rejects.toMatchObject({ code: 'resource_exhausted' });
    expect((await row())?.exhaustedSinceMs).toBe(clock.nowMs());
  });

  it('leave the moment alone since when a half is full, until an address is left once', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await reserve(name);
    await add('x');
    const filledMs = clock.nowMs();
    clock.pass(1000);
    await add('y', { reservation: 'a' });
    clock.bootId = 'two';
    await add('x');
    expect((await row())?.exhaustedSinceMs).toBe(filledMs);
    await unreserve('d');
    expect((await row())?.exhaustedSinceMs).toBeUndefined();
    clock.pass(1000);
    await reserve('d');
    const refilledMs = clock.nowMs();
    clock.pass(1000);
    await add('z', { reservation: 'b' });
    expect((await row())?.exhaustedSinceMs).toBe(refilledMs);
    book = await AddressBook.open(store, clock.instant());
    expect((await row())?.exhaustedSinceMs).toBe(clock.nowMs());
    clock.pass(1000);
    await add('z2', { reservation: 'c' });
    expect((await row())?.exhaustedSinceMs).toBe(clock.nowMs() - 1000);
  });

  it('leave a container what it holds when they are given back', async () => {
    await reserve('db');
    await add('a', { reservation: 'db' });
    await unreserve('db');
    await unreserve('db');
    expect(await row()).toMatchObject({ used: 1n, reserved: 0n, free: 4n });
    await del('a');
    expect(await row()).toMatchObject({ used: 0n, cooling: 1n, free: 4n });
  });

  it('end when their term is over, whatever the wall clock says', async () => {
    await reserve('db', [], 2 * HOUR_MS);
    await reserve('web');
    clock.wallMs += 100 * HOUR_MS;
    await expire();
    expect(await row()).toMatchObject({ reserved: 2n });
    clock.pass(2 * HOUR_MS - 1);
    await expire();
    expect(await row()).toMatchObject({ reserved: 2n });
    clock.pass(1);
    await expire();
    expect(await row()).toMatchObject({ reserved: 1n, cooling: 1n, free: 3n });
    await expect(add('a', { reservation: 'db' })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('begin their term anew when they are repeated', async () => {
    await reserve('db', [], HOUR_MS);
    clock.pass(HOUR_MS - 1);
    await reserve('db', [], HOUR_MS);
    clock.pass(HOUR_MS - 1);
    await expire();
    expect(await row()).toMatchObject({ reserved: 1n });
  });

  it('survive a restart of the process with their term, and of the host with a term anew', async () => {
    await reserve('db', [], HOUR_MS);
    clock.pass(HOUR_MS / 2);
    book = await AddressBook.open(store, clock.instant());
    clock.pass(HOUR_MS / 2 - 1);
    await expire();
    expect(await row()).toMatchObject({ reserved: 1n });
    clock.reboot();
    book = await AddressBook.open(store, clock.instant());
    clock.pass(HOUR_MS - 1);
    book = await AddressBook.open(store, clock.instant());
    await expire();
    expect(await row()).toMatchObject({ reserved: 1n });
    clock.pass(1);
    await expire();
    expect(await row()).toMatchObject({ reserved: 0n, cooling: 1n });
  });

  it('change nothing when they cannot be stored', async () => {
    store.fails = () => true;
    await expect(reserve('db')).rejects.toMatchObject({ code: 'unavailable' });
    store.fails = () => false;
    expect(await row()).toMatchObject({ reserved: 0n, free: 5n });
    expect(await add('a')).toEqual(['9.0.1.2', 'fd01:b::2', undefined]);
  });
});
