import { describe, expect, it } from '@jest/globals';
import { interfaceIp, parseCidr } from '@overlay/allocation';
import { toOverlayError } from '@overlay/failure';
import { type BridgeKind, parseNetworkId, parseNetworkName } from '@overlay/model';
import fc from 'fast-check';
import { ManualHostClock } from '../manual-host-clock.js';
import { MemoryAllocationStore } from '../store/memory-allocation-store.js';
import { AddressBook } from './address-book.js';
import type { IpamState } from './ipam-state.js';
import { parseContainerId, parseInterfaceName } from './owner.js';
import { planAllocation } from './plan-allocation.js';
import { planPools } from './plan-pools.js';
import { planRelease } from './plan-release.js';
import { keyOf, type PoolDefinition } from './records.js';

const SUBNETS = ['9.0.1.0/29', '9.0.1.0/28', '9.0.2.0/29'] as const;
const NETWORKS = ['red', 'blue'] as const;
const CLOCK = new ManualHostClock();
const NOW = CLOCK.instant();
const COOLDOWN = { cooldownMs: 30_000, rememberedCount: 100 };

function pools(subnetOfRed: string | undefined, blue: boolean): readonly PoolDefinition[] {
  const definition = (network: string, half: BridgeKind, subnet: string): PoolDefinition => ({
    networkId: parseNetworkId(network),
    network: parseNetworkName(network),
    half,
    subnet: parseCidr(subnet),
  });
  return [
    ...(subnetOfRed === undefined ? [] : [definition('red', 'cni', subnetOfRed)]),
    ...(blue ? [definition('blue', 'cni', '9.0.3.0/29')] : []),
  ];
}

function allocate(book: AddressBook, network: string, container: string) {
  const owner = { containerId: parseContainerId(container), interface: parseInterfaceName('eth0') };
  const wish = {
    network,
    half: 'cni',
    owner,
    requestedIps: [],
    labels: {},
    nowMs: 5,
    at: NOW,
    cooldown: COOLDOWN,
  } as const;
  return book.change((state) => planAllocation(state, wish));
}

function release(book: AddressBook, network: string, container: string) {
  const owner = { containerId: parseContainerId(container), interface: parseInterfaceName('eth0') };
  return book.change((state) =>
    planRelease(state, { network, half: 'cni', owner, at: NOW, cooldown: COOLDOWN }),
  );
}

function configure(book: AddressBook, definitions: readonly PoolDefinition[]) {
  return book.change((state) => planPools(state, definitions));
}

/** Everything that can be seen of a state, in a form that can be compared. */
function dump(state: IpamState) {
  return {
    pools: state.pools().map(({ definition, families }) => ({
      definition,
      free: families.map(({ addresses }) => [
        addresses.freeCount,
        addresses.lowestFree(),
        [...addresses.restingDescending()],
      ]),
    })),
    reservations: [...state.reservations()],
    freed: [...state.freed.oldestFirst()],
    allocations: [...state.allocations()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
  };
}

function holders(state: IpamState): ReadonlyMap<string, string> {
  const all = [...state.allocations()];
  return new Map(
    all.flatMap((record) =>
      record.addresses.map(({ address }) => [
        interfaceIp(address),
        `${record.network}/${record.owner.containerId}`,
      ]),
    ),
  );
}

type Step =
  | { readonly kind: 'allocate' | 'release'; readonly network: string; readonly container: string }
  | { readonly kind: 'configure'; readonly red: string | undefined; readonly blue: boolean }
  | { readonly kind: 'crash' };

const network = fc.constantFrom(...NETWORKS);
const container = fc.integer({ min: 0, max: 9 }).map((number) => `c${number}`);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('allocate' as const), network, container }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('release' as const), network, container }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('configure' as const),
      red: fc.constantFrom(undefined, ...SUBNETS),
      blue: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
);

describe('AddressBook', () => {
  it('agrees with a model over any allocations, releases, new pools, failed commits and crashes', async () => {
    const steps = fc.array(fc.record({ step, diskFull: fc.boolean() }), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const store = new MemoryAllocationStore();
        let book = await AddressBook.open(store, NOW);
        let red: string | undefined;
        let blue = false;
        let held = new Map<string, string>();
        for (const { step: next, diskFull } of script) {
          store.fails = () => diskFull;
          const before = dump(book.glance((state) => state));
          const commits = store.commits;
          if (next.kind === 'crash') {
            book = await AddressBook.open(store, NOW);
            expect(dump(book.glance((state) => state))).toEqual(before);
            continue;
          }
          const outcome = await perform(book, next).then(
            () => 'done' as const,
            (error: unknown) => toOverlayError(error).code,
          );
          if (outcome === 'unavailable') {
            expect(diskFull).toBe(true);
            expect(dump(book.glance((state) => state))).toEqual(before);
            continue;
          }
          if (store.commits === commits) expect(dump(book.glance((state) => state))).toEqual(before);
          if (outcome === 'done' && next.kind === 'configure') ({ red, blue } = next);
          const now = new Map(book.glance((state) => holders(state)));
          const all = book.glance((state) => [...state.allocations()].flatMap((record) => record.addresses));
          expect(now.size).toBe(all.length);
          if (next.kind === 'allocate') {
            const name = `${next.network}/${next.container}`;
            const served = next.network === 'red' ? red : blue ? '9.0.3.0/29' : undefined;
            if (served === undefined) expect(outcome).toBe('not_found');
            else if (outcome === 'done') expect([...now.values()]).toContain(name);
            else expect(outcome).toBe('resource_exhausted');
            for (const [address, holder] of held) if (holder !== name) expect(now.get(address)).toBe(holder);
          }
          if (next.kind === 'release') {
            const name = `${next.network}/${next.container}`;
            expect(now).toEqual(new Map([...held].filter(([, holder]) => holder !== name)));
          }
          if (next.kind === 'configure') expect(now).toEqual(held);
          held = now;
        }
      }),
      { numRuns: 150 },
    );
  });

  it('gives concurrent callers different addresses, with few commits', async () => {
    const store = new MemoryAllocationStore();
    const book = await AddressBook.open(store, NOW);
    await configure(book, pools('9.0.1.0/28', false));
    const records = await Promise.all(
      Array.from({ length: 13 }, (_, number) => allocate(book, 'red', `c${number}`)),
    );
    expect(new Set(records.map(({ addresses }) => addresses[0]?.address)).size).toBe(13);
    expect(store.commits).toBe(2);
    await expect(allocate(book, 'red', 'late')).rejects.toMatchObject({ code: 'resource_exhausted' });
  });

  it('gives callers with one identity the same address', async () => {
    const book = await AddressBook.open(new MemoryAllocationStore(), NOW);
    await configure(book, pools('9.0.1.0/28', false));
    const [a, b] = await Promise.all([allocate(book, 'red', 'same'), allocate(book, 'red', 'same')]);
    expect(a).toEqual(b);
  });

  it('lets releases through while the store takes no allocations', async () => {
    const store = new MemoryAllocationStore();
    const book = await AddressBook.open(store, NOW);
    await configure(book, pools('9.0.1.0/29', false));
    await allocate(book, 'red', 'old');
    store.fails = (mutations) => mutations.some(({ kind }) => kind === 'put_allocation');
    const [added, released] = await Promise.allSettled([
      allocate(book, 'red', 'new'),
      release(book, 'red', 'old'),
    ]);
    expect(added).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    expect(released).toEqual({ status: 'fulfilled', value: ['9.0.1.2'] });
    const reloaded = await AddressBook.open(store, NOW);
    expect(reloaded.glance(dump)).toEqual(book.glance(dump));
  });

  it('refuses what comes after closing', async () => {
    const book = await AddressBook.open(new MemoryAllocationStore(), NOW);
    const before = configure(book, pools('9.0.1.0/29', false));
    await book.close();
    await expect(before).resolves.toHaveLength(1);
    await expect(allocate(book, 'red', 'a')).rejects.toMatchObject({ code: 'unavailable' });
  });
});

function perform(book: AddressBook, step: Exclude<Step, { kind: 'crash' }>): Promise<unknown> {
  switch (step.kind) {
    case 'allocate':
      return allocate(book, step.network, step.container);
    case 'release':
      return release(book, step.network, step.container);
    case 'configure':
      return configure(book, pools(step.red, step.blue));
  }
}
