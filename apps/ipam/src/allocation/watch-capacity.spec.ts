import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import { ManualHostClock } from '../manual-host-clock.js';
import { MemoryAllocationStore } from '../store/memory-allocation-store.js';
import { AddressBook } from './address-book.js';
import type { HalfCapacity } from './capacity.js';
import { parseContainerId, parseInterfaceName } from './owner.js';
import { planAllocation } from './plan-allocation.js';
import { planPools } from './plan-pools.js';
import { planRelease } from './plan-release.js';
import { watchCapacity } from './watch-capacity.js';

const HALF = { network: 'dcos', half: 'cni' } as const;
const COOLDOWN = { cooldownMs: 30_000, rememberedCount: 100 };

describe('watchCapacity', () => {
  let hostClock: ManualHostClock;
  let book: AddressBook;
  let ending: AbortController;
  let watch: AsyncGenerator<readonly HalfCapacity[]>;

  beforeEach(async () => {
    hostClock = new ManualHostClock();
    book = await AddressBook.open(new MemoryAllocationStore(), hostClock.instant());
    ending = new AbortController();
    const clock = {
      // Each wait lets as much time pass; what runs beside it gets its turn.
      sleep: async (durationMs: number) => {
        hostClock.pass(durationMs);
        await setImmediate();
      },
    };
    watch = watchCapacity({ book, clock, hostClock, cooldownMs: 30_000, signal: ending.signal });
  });

  afterEach(() => ending.abort());

  const owner = (id: string) => ({
    containerId: parseContainerId(id),
    interface: parseInterfaceName('eth0'),
  });
  const configure = (...subnets: readonly string[]) =>
    book.change((state) =>
      planPools(
        state,
        subnets.map((subnet) => ({
          networkId: parseNetworkId('n1'),
          network: parseNetworkName('dcos'),
          half: 'cni',
          subnet: parseCidr(subnet),
          subnet6: parseCidr('fd01:b::/81'),
        })),
      ),
    );
  const add = (id: string) => {
    const wish = {
      ...HALF,
      owner: owner(id),
      requestedIps: [],
      labels: {},
      nowMs: 77,
      at: hostClock.instant(),
      cooldown: COOLDOWN,
    };
    return book.change((state) => planAllocation(state, wish));
  };
  const del = (id: string) =>
    book.change((state) =>
      planRelease(state, { ...HALF, owner: owner(id), at: hostClock.instant(), cooldown: COOLDOWN }),
    );
  const next = async () => (await watch.next()).value as readonly HalfCapacity[];

  it('tells everything first, also that there is nothing, and then what changed', async () => {
    expect(await next()).toEqual([]);
    await configure('9.0.1.0/29');
    const rows = await next();
    expect(rows.map(({ family, total, largestBurst }) => [family, total, largestBurst])).toEqual([
      [4, 5n, 5n],
      [6, 2n ** 47n - 2n, 5n],
    ]);
    const waiting = next();
    await add('a');
    expect((await waiting).map(({ family, used }) => [family, used])).toEqual([
      [4, 1n],
      [6, 1n],
    ]);
  });

  it('tells many changes at once, and since when nothing is left', async () => {
    await configure('9.0.1.0/29');
    await next();
    for (const id of ['a', 'b', 'c', 'd', 'e']) await add(id);
    const [row] = await next();
    expect(row).toMatchObject({ used: 5n, free: 0n, largestBurst: 0n, exhaustedSinceMs: 77 });
  });

  it('tells that addresses have cooled', async () => {
    await configure('9.0.1.0/29');
    await add('a');
    await del('a');
    expect((await next())[0]).toMatchObject({ cooling: 1n, free: 4n, largestBurst: 4n });
    expect((await next())[0]).toMatchObject({ cooling: 0n, free: 5n, largestBurst: 5n });
  });

  it('tells a half that goes with a total of 0', async () => {
    await configure('9.0.1.0/29');
    await next();
    await configure();
    expect((await next()).map(({ family, total, free }) => [family, total, free])).toEqual([
      [4, 0n, 0n],
      [6, 0n, 0n],
    ]);
  });

  it('ends with its signal', async () => {
    await next();
    const waiting = watch.next();
    ending.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });
});
