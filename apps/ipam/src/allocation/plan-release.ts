import { type IpAddress, interfaceIp } from '@overlay/allocation';
import type { HostInstant } from '../host-clock.js';
import { isCooling } from './freed-addresses.js';
import type { IpamState } from './ipam-state.js';
import type { Owner } from './owner.js';
import {
  type AllocationRecord,
  allocationKey,
  type HalfRef,
  type IpamMutation,
  type Plan,
} from './records.js';

/** How the order of addresses that were given back is kept. */
export interface CooldownPolicy {
  /** How long an address is given out again only if nothing else is free. */
  readonly cooldownMs: number;
  /**
   * Of so many addresses the order is remembered; those that were given back before and have cooled count as
   * never used. Without it a half of 2^47 addresses would remember every container there ever was.
   */
  readonly rememberedCount: number;
}

/** A moment by the wall clock, which may be set back; in Unix milliseconds. */
export interface WallMoment {
  readonly atMs: number;
  /** What the clock says at present. */
  readonly nowMs: number;
}

/** Gives back what an owner holds in a half. */
export interface ReleaseRequest extends HalfRef {
  readonly owner: Owner;
  /** Releases only what was allocated until a moment; without it, whatever is held. */
  readonly allocatedUntil?: WallMoment;
  readonly at: HostInstant;
  readonly cooldown: CooldownPolicy;
}

/**
 * Frees what the owner holds, also in a pool that is gone; what is reserved stays reserved. Releasing what is
 * not held succeeds; what Docker holds is Docker's alone, whoever names its endpoint.
 * @returns as the answer the addresses that it held.
 */
export function planRelease(state: IpamState, request: ReleaseRequest): Plan<readonly IpAddress[]> {
  const key = allocationKey(request, request.owner);
  const held = state.allocation(key);
  if (held === undefined || held.ownerKind === 'docker' || isLater(held, request.allocatedUntil)) {
    return { mutations: [], answer: [] };
  }
  const answer = held.addresses.map(({ address }) => interfaceIp(address));
  const left = answer.filter((address) => state.reservationOf(address) === undefined);
  const mutations: IpamMutation[] = [{ kind: 'delete_allocation', key }, ...planFreed(state, left, request)];
  return { mutations, answer };
}

/** Nothing is allocated in the future: a record that says so is from before the clock was set back. */
function isLater({ allocatedAtMs }: AllocationRecord, until: WallMoment | undefined): boolean {
  return until !== undefined && allocatedAtMs > until.atMs && allocatedAtMs <= until.nowMs;
}

/** Puts addresses at the end of the order in which they are given out again, and forgets who is too far ahead. */
export function planFreed(
  state: IpamState,
  addresses: readonly IpAddress[],
  { at, cooldown }: { readonly at: HostInstant; readonly cooldown: CooldownPolicy },
): readonly IpamMutation[] {
  const served = addresses.filter((address) => state.isServed(address));
  const put = served.map((address, index): IpamMutation => {
    return { kind: 'put_freed', freed: { address, turn: state.freed.nextTurn + index, freedAt: at } };
  });
  const mutations: IpamMutation[] = [];
  let surplus = state.freed.count + put.length - cooldown.rememberedCount;
  if (surplus > 0) {
    // One more than comes, so that a lower bound is reached some day.
    surplus = Math.min(surplus, put.length + 1);
    for (const freed of state.freed.oldestFirst()) {
      if (surplus === 0 || isCooling(freed, at, cooldown.cooldownMs)) break;
      mutations.push({ kind: 'delete_freed', address: freed.address });
      surplus -= 1;
    }
  }
  return [...mutations, ...put];
}
