import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AddressPool } from './address-pool.js';
import { addressAt, parseCidr } from './cidr.js';
import { parseIpAddress } from './ip-address.js';
import { SubnetPool } from './subnet-pool.js';
import type { ValuePool } from './value-pool.js';

const OWNERS = ['node-a', 'node-b', 'node-c'];

type Step =
  | { readonly act: 'allocate' | 'look' | 'next' }
  | { readonly act: 'rest' | 'wake'; readonly at: number }
  | { readonly act: 'reserve' | 'free'; readonly at: number; readonly owner: string | undefined }
  | { readonly act: 'allocateFor' | 'expire'; readonly owner: string; readonly passMs: number }
  | { readonly act: 'quarantine'; readonly at: number; readonly owner: string; readonly termMs: number };

const at = fc.nat({ max: 19 });
const owner = fc.constantFrom(...OWNERS);
const passMs = fc.nat({ max: 8 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ act: fc.constantFrom('allocate' as const, 'look' as const, 'next' as const) }),
  fc.record({ act: fc.constantFrom('rest' as const, 'wake' as const), at }),
  fc.record({
    act: fc.constantFrom('reserve' as const, 'free' as const),
    at,
    owner: fc.option(owner, { nil: undefined }),
  }),
  fc.record({ act: fc.constantFrom('allocateFor' as const, 'expire' as const), owner, passMs }),
  fc.record({ act: fc.constant('quarantine' as const), at, owner, termMs: fc.nat({ max: 20 }) }),
);

type ModelState =
  | { readonly kind: 'free' | 'taken' }
  | { readonly kind: 'resting'; readonly turn: number }
  | { readonly kind: 'quarantined'; readonly owner: string; readonly untilMs: number };

/** The naive counterpart: the first few values of a pool in an array, searched from the start each time. */
class NaivePool<V extends string> {
  readonly #values: readonly V[];
  readonly #states: ModelState[];

  constructor(values: readonly V[]) {
    this.#values = values;
    this.#states = values.map(() => ({ kind: 'free' }));
  }

  stateOf(value: V): ModelState {
    return this.#states[this.#values.indexOf(value)] ?? { kind: 'taken' };
  }

  set(value: V, state: ModelState): void {
    this.#states[this.#values.indexOf(value)] = state;
  }

  lowest(suits: (state: ModelState) => boolean): V | undefined {
    return this.#values[this.#states.findIndex(suits)];
  }

  lowestFor(wanted: string): V | undefined {
    return (
      this.lowest((state) => state.kind === 'quarantined' && state.owner === wanted) ??
      this.lowest((state) => state.kind === 'free')
    );
  }

  /** The resting values, the lowest turn first. */
  resting(): readonly V[] {
    const turns = this.#values.flatMap((value, index) => {
      const state = this.#states[index];
      return state?.kind === 'resting' ? [{ value, turn: state.turn }] : [];
    });
    return turns.sort((a, b) => a.turn - b.turn).map(({ value }) => value);
  }

  expire(nowMs: number): void {
    for (const [index, state] of this.#states.entries()) {
      if (state.kind === 'quarantined' && state.untilMs <= nowMs) this.#states[index] = { kind: 'free' };
    }
  }

  count(kind: ModelState['kind']): number {
    return this.#states.filter((state) => state.kind === kind).length;
  }
}

/** Runs the steps on both pools; the naive one knows only the lowest `values`, all of them or more than there are steps. */
function expectSameAsNaive<V extends string>(
  pool: ValuePool<V>,
  values: readonly V[],
  steps: readonly Step[],
): void {
  const model = new NaivePool(values);
  const unknownFree = pool.capacity - BigInt(values.length);
  let nowMs = 1000;
  let turn = 0;
  const valueAt = (index: number) => values[index % values.length] ?? fail();
  for (const next of steps) {
    switch (next.act) {
      case 'look':
        expect(pool.lowestFree()).toBe(model.lowest((state) => state.kind === 'free'));
        break;
      case 'next': {
        const expected = model.lowest((state) => state.kind === 'free') ?? model.resting()[0];
        expect(pool.nextInTurn()).toBe(expected);
        break;
      }
      case 'rest': {
        const value = valueAt(next.at);
        // Turns come in any order: a pool that is filled after a restart gets them so.
        turn += 7919;
        const give = () => pool.rest(value, turn % 100_003);
        if (model.stateOf(value).kind === 'taken') {
          give();
          model.set(value, { kind: 'resting', turn: turn % 100_003 });
        } else {
          expect(give).toThrow(expect.objectContaining({ code: 'internal' }));
        }
        break;
      }
      case 'wake': {
        const value = valueAt(next.at);
        const rests = model.stateOf(value).kind === 'resting';
        expect(pool.wake(value)).toBe(rests);
        if (rests) model.set(value, { kind: 'free' });
        break;
      }
      case 'allocate': {
        const expected = model.lowest((state) => state.kind === 'free');
        expect(pool.allocate()).toBe(expected);
        if (expected !== undefined) model.set(expected, { kind: 'taken' });
        break;
      }
      case 'expire':
        nowMs += next.passMs;
        pool.expire(nowMs);
        model.expire(nowMs);
        break;
      case 'allocateFor': {
        nowMs += next.passMs;
        model.expire(nowMs);
        const expected = model.lowestFor(next.owner);
        expect(pool.lowestFreeFor(next.owner, nowMs)).toBe(expected);
        expect(pool.allocateFor(next.owner, nowMs)).toBe(expected);
        if (expected !== undefined) model.set(expected, { kind: 'taken' });
        break;
      }
      case 'reserve': {
        const value = valueAt(next.at);
        const state = model.stateOf(value);
        const expected = state.kind === 'quarantined' ? state.owner === next.owner : state.kind !== 'taken';
        expect(pool.reserve(value, next.owner)).toBe(expected);
        if (expected) model.set(value, { kind: 'taken' });
        break;
      }
      case 'free': {
        const value = valueAt(next.at);
        const give = () => pool.free(value);
        if (model.stateOf(value).kind === 'taken') {
          give();
          model.set(value, { kind: 'free' });
        } else {
          expect(give).toThrow(expect.objectContaining({ code: 'internal' }));
        }
        break;
      }
      case 'quarantine': {
        const value = valueAt(next.at);
        const untilMs = nowMs + next.termMs;
        const give = () => pool.quarantine(value, next.owner, untilMs);
        if (model.stateOf(value).kind === 'taken') {
          give();
          model.set(value, { kind: 'quarantined', owner: next.owner, untilMs });
        } else {
          expect(give).toThrow(expect.objectContaining({ code: 'internal' }));
        }
        break;
      }
    }
    expect(pool.freeCount).toBe(BigInt(model.count('free')) + unknownFree);
    expect(pool.quarantinedCount).toBe(model.count('quarantined'));
    expect(pool.restingCount).toBe(model.count('resting'));
    expect([...pool.restingDescending()]).toEqual(model.resting().toReversed());
  }
  for (const value of values) {
    const state = model.stateOf(value);
    expect(pool.isFree(value)).toBe(state.kind === 'free');
    expect(pool.quarantineOf(value)).toEqual(
      state.kind === 'quarantined' ? { owner: state.owner, untilMs: state.untilMs } : undefined,
    );
  }
}

function fail(): never {
  throw new Error('a pool of the test has no values');
}

function firstBlocks(pool: SubnetPool, count: number) {
  const allocated = Array.from({ length: count }, () => pool.allocate() ?? fail());
  for (const block of allocated) pool.free(block);
  return allocated;
}

describe('ValuePool beside a naive pool', () => {
  it.each([
    ['9.0.0.0/24', 28, 16],
    ['9.0.0.0/8', 26, 64],
    ['fd01:b::/64', 68, 16],
    ['fd01:b::/64', 80, 64],
    ['fd01:b::/48', 120, 64],
  ] as const)('%s in blocks of length %d', (subnet, blockLength, known) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pool = new SubnetPool(parseCidr(subnet), blockLength);
        expectSameAsNaive(pool, firstBlocks(pool, known), steps);
      }),
    );
  });

  it.each([
    ['44.128.0.0/28', [], 14],
    ['9.0.1.0/25', ['9.0.1.1'], 64],
    ['9.0.1.0/28', ['9.0.1.1', '9.0.1.9'], 12],
    ['fd01:a::/124', [], 15],
    ['fd01:a::/64', [], 64],
    ['fd01:b::/81', ['fd01:b::1'], 64],
  ] as const)('the addresses of %s without %j', (text, excluded, known) => {
    const prefix = parseCidr(text);
    const without = excluded.map(parseIpAddress);
    const hosts = Array.from({ length: known + excluded.length }, (_, index) =>
      addressAt(prefix, BigInt(index + 1)),
    ).filter((address) => !without.includes(address));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        expectSameAsNaive(new AddressPool(prefix, without), hosts, steps);
      }),
    );
  });
});
