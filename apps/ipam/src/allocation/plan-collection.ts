import { interfaceIp } from '@overlay/allocation';
import type { IpamState } from './ipam-state.js';
import { planFreed } from './plan-release.js';
import type { ReleaseMoment } from './plan-reservation.js';
import { type AllocationRecord, type HalfRef, type IpamMutation, keyOf, type Plan } from './records.js';

/** An attachment that a runtime still has (CNI specification 1.1.0, section 2, GC). */
export interface ValidAttachment {
  readonly containerId: string;
  readonly interface: string;
}

/**
 * Releases allocations that stand as they were when they were looked at; one that was made anew since stays.
 * @returns as the answer those that were released.
 */
export function planCollection(
  state: IpamState,
  records: readonly AllocationRecord[],
  isGone: (record: AllocationRecord) => boolean,
  moment: ReleaseMoment,
): Plan<readonly AllocationRecord[]> {
  const gone = records.filter((record) => state.allocation(keyOf(record)) === record && isGone(record));
  const deletions = gone.map((record): IpamMutation => ({ kind: 'delete_allocation', key: keyOf(record) }));
  const left = gone
    .flatMap(({ addresses }) => addresses.map(({ address }) => interfaceIp(address)))
    .filter((address) => state.reservationOf(address) === undefined);
  return { mutations: [...deletions, ...planFreed(state, left, moment)], answer: gone };
}

/**
 * Releases every allocation of a half that a runtime made and that is not among its attachments. What a framework or
 * Docker took is no runtime's, and stays.
 */
export function planGarbage(
  state: IpamState,
  half: HalfRef,
  valid: readonly ValidAttachment[],
  moment: ReleaseMoment,
): Plan<readonly AllocationRecord[]> {
  const kept = new Set(valid.map((attachment) => `${attachment.containerId}/${attachment.interface}`));
  const stale = [...state.allocations()].filter(
    ({ network, half: side, owner, ownerKind }) =>
      network === half.network &&
      side === half.half &&
      ownerKind === undefined &&
      !kept.has(`${owner.containerId}/${owner.interface}`),
  );
  return planCollection(state, stale, () => true, moment);
}
