import { type IpAddress, interfaceIp } from '@overlay/allocation';
import type { IpamState } from './ipam-state.js';
import type { Owner } from './owner.js';
import { allocationKey, type HalfRef, type Plan } from './records.js';

/** Gives back what an owner holds in a half. */
export interface ReleaseRequest extends HalfRef {
  readonly owner: Owner;
  /** Releases only what was allocated until then, in Unix milliseconds; without it, whatever is held. */
  readonly allocatedUntilMs?: number;
}

/**
 * Frees what the owner holds, also in a pool that is gone. Releasing what is not held succeeds.
 * @returns as the answer the addresses that it held.
 */
export function planRelease(state: IpamState, request: ReleaseRequest): Plan<readonly IpAddress[]> {
  const key = allocationKey(request, request.owner);
  const held = state.allocation(key);
  const { allocatedUntilMs = Number.POSITIVE_INFINITY } = request;
  if (held === undefined || held.allocatedAtMs > allocatedUntilMs) return { mutations: [], answer: [] };
  const answer = held.addresses.map(({ address }) => interfaceIp(address));
  return { mutations: [{ kind: 'delete_allocation', key }], answer };
}
