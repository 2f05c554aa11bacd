import { describe, expect, it } from '@jest/globals';
import { interfaceIp, parseCidr, parseIpAddress } from '@overlay/allocation';
import { toOverlayError } from '@overlay/failure';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import fc from 'fast-check';
import { AddressBook } from './allocation/address-book.js';
import { capacityOf } from './allocation/capacity.js';
import { parseContainerId, parseInterfaceName } from './allocation/owner.js';
import { planAllocation } from './allocation/plan-allocation.js';
import { planGarbage } from './allocation/plan-collection.js';
import { planPools } from './allocation/plan-pools.js';
import { planRelease } from './allocation/plan-release.js';
import { planExpiry, planReservation, planUnreservation } from './allocation/plan-reservation.js';
import type { Plan } from './allocation/records.js';
import { parseReservationName } from './allocation/reservation.js';
import { Collector } from './collection/collector.js';
import { MemoryNamespaces } from './collection/memory-namespaces.js';
import { ManualHostClock } from './manual-host-clock.js';
import { ReferenceIpam, USABLE } from './reference-ipam.js';
import { MemoryAllocationStore } from './store/memory-allocation-store.js';

const HALF = { network: 'dcos', half: 'cni' } as const;
const COOLDOWN = { cooldownMs: 30_000, rememberedCount: 100 };
const GRACE_MS = 60_000;
/** The random scripts are many, and the machine may be busy. */
const TIMEOUT_MS = 60_000;

const id = fc.integer({ min: 0, max: 6 }).map((number) => `c${number}`);
const name = fc.constantFrom('r0', 'r1');
const ip = fc.option(fc.constantFrom(...USABLE), { nil: undefined });
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      id,
      ip,
      reservation: fc.option(name, { nil: undefined }),
      framework: fc.boolean(),
      nameless: fc.boolean(),
      alive: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('del' as const), id }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('reserve' as const),
      name,
      ip,
      ttlMs: fc.integer({ min: 1, max: 300_000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('unreserve' as const), name }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 100_000 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('vanish' as const), id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('gc' as const), valid: fc.array(id) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('collect' as const, 'crash' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reboot' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** The IPAM under test, beside its model. */
class Trial {
  readonly store = new MemoryAllocationStore();
  readonly clock = new ManualHostClock();
  readonly namespaces = new MemoryNamespaces();
  readonly model = new ReferenceIpam();
  #book: AddressBook | undefined;
  #collector: Collector | undefined;

  get book(): AddressBook {
    if (this.#book === undefined) throw new Error('the trial is not open');
    return this.#book;
  }

  async open(): Promise<void> {
    const { clock, namespaces } = this;
    const book = await AddressBook.open(this.store, clock.instant());
    this.#book = book;
    this.#collector = new Collector({ book, namespaces, clock, graceMs: GRACE_MS, cooldown: COOLDOWN });
  }

  async change<T>(plan: (state: Parameters<Parameters<AddressBook['change']>[0]>[0]) => Plan<T>) {
    return this.book.change(plan).then(
      () => 'done' as const,
      (thrown: unknown) => toOverlayError(thrown).code,
    );
  }

  moment() {
    return { at: this.clock.instant(), cooldown: COOLDOWN };
  }

  async perform(next: Step): Promise<void> {
    const { model, clock } = this;
    switch (next.kind) {
      case 'add':
        await this.#add(next);
        return;
      case 'del': {
        const owner = ownerOf(next.id);
        expect(await this.change((state) => planRelease(state, { ...HALF, owner, ...this.moment() }))).toBe(
          'done',
        );
        model.del(next.id);
        return;
      }
      case 'reserve': {
        const wish = { ...HALF, name: parseReservationName(next.name), ttlMs: next.ttlMs };
        const requestedIps = next.ip === undefined ? [] : [parseIpAddress(next.ip)];
        const expected = model.reserve(next.name, next.ip, next.ttlMs, clock.uptimeMs);
        const at = clock.instant();
        expect(
          await this.change((state) => planReservation(state, { ...wish, requestedIps, at, nowMs: 1 })),
        ).toBe(expected);
        return;
      }
      case 'unreserve': {
        const ref = { ...HALF, name: parseReservationName(next.name) };
        await this.change((state) => planUnreservation(state, ref, this.moment()));
        model.unreserve(next.name);
        return;
      }
      case 'pass': {
        clock.pass(next.ms);
        // A wall clock that somebody sets must change nothing.
        clock.wallMs += 3_600_000;
        await this.change((state) => planExpiry(state, this.moment()));
        const over = [...model.reserved].filter(
          ([, { ttlMs, sinceMs }]) => sinceMs + ttlMs <= clock.uptimeMs,
        );
        for (const [each] of over) model.unreserve(each);
        return;
      }
      case 'vanish':
        this.namespaces.remove(pathOf(next.id));
        return;
      case 'gc': {
        const valid = next.valid.map((containerId) => ({ containerId, interface: 'eth0' }));
        await this.change((state) => planGarbage(state, HALF, valid, this.moment()));
        for (const [each, { framework }] of [...model.held]) {
          if (!framework && !next.valid.includes(each)) model.del(each);
        }
        return;
      }
      case 'collect':
        await this.#collect();
        return;
      case 'crash':
        await this.open();
        for (const each of model.held.values()) each.seen = each.seen && (await this.#seenWhenAdded(each.ip));
        return;
      case 'reboot':
        for (const each of model.held.values())
          if (each.path !== undefined) this.namespaces.remove(each.path);
        clock.reboot();
        for (const each of model.reserved.values()) each.sinceMs = clock.uptimeMs;
        await this.open();
        return;
    }
  }

  async #add(next: Extract<Step, { kind: 'add' }>): Promise<void> {
    const { model, clock } = this;
    const path = next.framework && next.nameless ? undefined : pathOf(next.id);
    if (path !== undefined && next.alive) this.namespaces.add(path);
    const seen = path !== undefined && this.namespaces.lives(path);
    const reserved = next.reservation === undefined ? undefined : model.reserved.get(next.reservation);
    const request = {
      ...HALF,
      owner: ownerOf(next.id),
      requestedIps: next.ip === undefined || reserved !== undefined ? [] : [parseIpAddress(next.ip)],
      ...(next.reservation === undefined ? {} : { reservation: parseReservationName(next.reservation) }),
      ...(next.framework ? { ownerKind: 'framework' as const } : {}),
      ...(path === undefined ? {} : { networkNamespace: path, namespaceSeen: seen }),
      labels: {},
      nowMs: clock.nowMs(),
      ...this.moment(),
    };
    const outcome = await this.change((state) => planAllocation(state, request));
    if (next.reservation !== undefined && reserved === undefined) {
      expect(outcome).toBe('not_found');
      return;
    }
    const { framework } = next;
    const rest = { framework, bootId: clock.bootId, seen, ...(path === undefined ? {} : { path }) };
    expect(outcome).toBe(model.add(next.id, reserved?.ip ?? next.ip, rest));
  }

  async #collect(): Promise<void> {
    const { model, clock } = this;
    await this.#collector?.scan();
    for (const each of model.held.values()) {
      if (each.path !== undefined && this.namespaces.lives(each.path)) each.seen = true;
    }
    clock.pass(GRACE_MS);
    await this.#collector?.scan();
    for (const [each, { path, bootId, seen }] of [...model.held]) {
      const isGone = path !== undefined && seen && !this.namespaces.lives(path);
      if (bootId !== clock.bootId || isGone) model.del(each);
    }
  }

  #seenWhenAdded(address: string): Promise<boolean> {
    return this.book.read((state) => state.holderOf(parseIpAddress(address))?.namespaceSeen === true);
  }

  /** Compares everything that can be seen. */
  async verify(freedBefore: readonly string[]): Promise<void> {
    const { model, clock } = this;
    const now = await this.book.read((state) => ({
      held: [...state.allocations()].map(({ owner, addresses }) => [
        owner.containerId as string,
        addresses.map(({ address }) => interfaceIp(address) as string),
      ]),
      reserved: [...state.reservations()].map((record) => [record.name as string, record.addresses]),
      freed: [...state.freed.oldestFirst()].map(({ address }) => address as string),
      row: capacityOf(state, { at: clock.instant(), cooldownMs: COOLDOWN.cooldownMs })[0],
    }));
    expect(new Map(now.held as [string, string[]][])).toEqual(
      new Map([...model.held].map(([each, { ip: own }]) => [each, [own]])),
    );
    expect(new Map(now.reserved as [string, string[]][])).toEqual(
      new Map([...model.reserved].map(([each, { ip: own }]) => [each, [own]])),
    );
    // What one step gives back at once may come in any order, behind what was there before.
    const stayed = freedBefore.filter((address) => model.freed.includes(address));
    expect(now.freed.slice(0, stayed.length)).toEqual(stayed);
    expect(now.freed.toSorted()).toEqual(model.freed.toSorted());
    model.freed = now.freed;
    const { total, used, reserved, cooling, free } = now.row ?? fail();
    expect(used + reserved + cooling + free).toBe(total);
    expect(used).toBe(BigInt(model.held.size));
  }
}

function fail(): never {
  throw new Error('the half has no capacity');
}

function ownerOf(containerId: string) {
  return { containerId: parseContainerId(containerId), interface: parseInterfaceName('eth0') };
}

function pathOf(containerId: string): string {
  return `/run/netns/${containerId}`;
}

describe('the whole IPAM', () => {
  it(
    'agrees with a model over any allocations, releases, reservations, crashes, reboots and collections',
    async () => {
      const scripts = fc.array(fc.record({ step, diskFull: fc.nat({ max: 9 }).map((n) => n === 0) }), {
        maxLength: 80,
      });
      await fc.assert(
        fc.asyncProperty(scripts, async (script) => {
          const trial = new Trial();
          await trial.open();
          const [networkId, network] = [parseNetworkId('n1'), parseNetworkName('dcos')];
          const pool = { networkId, network, half: 'cni', subnet: parseCidr('9.0.1.0/29') } as const;
          await trial.book.change((state) => planPools(state, [pool]));
          for (const { step: next, diskFull } of script) {
            const freedBefore = [...trial.model.freed];
            if (diskFull && (next.kind === 'del' || next.kind === 'gc')) {
              // What cannot be stored did not happen.
              trial.store.fails = () => true;
              await trial.change((state) => planGarbage(state, HALF, [], trial.moment()));
              trial.store.fails = () => false;
            } else {
              await trial.perform(next);
            }
            await trial.verify(freedBefore);
          }
          const free =
            USABLE.length -
            new Set([...trial.model.held.values(), ...trial.model.reserved.values()].map((each) => each.ip))
              .size;
          for (let number = 0; number < free; number += 1) {
            await trial.perform({
              kind: 'add',
              id: `fill${number}`,
              ip: undefined,
              reservation: undefined,
              framework: true,
              nameless: true,
              alive: false,
            });
          }
          await trial.verify([...trial.model.freed]);
          const late = {
            ...HALF,
            owner: ownerOf('late'),
            requestedIps: [],
            labels: {},
            nowMs: 1,
            ...trial.moment(),
          };
          expect(await trial.change((state) => planAllocation(state, late))).toBe('resource_exhausted');
        }),
        { numRuns: 200 },
      );
    },
    TIMEOUT_MS,
  );
});
