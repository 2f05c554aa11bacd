import { type IpamMutation, keyOf } from '../allocation/records.js';
import { reservationKey } from '../allocation/reservation.js';

/** What a store that keeps texts by key writes for one change; an empty text means removal. */
export type KeyWrite = readonly [key: string, text: string];

/** The changes of one commit as they are written. */
export interface CommitWrites {
  /** Keys and texts in turn: of all shapes this one goes to another thread at the least cost. */
  readonly flat: readonly string[];
  /** True if they only give addresses back, and so may use the room that is kept for that. */
  readonly releasing: boolean;
}

/** The key of the pools. */
export const POOLS_KEY = 'pools';
/** The folder of the allocations' keys. */
export const ALLOCATIONS = 'allocation';
/** The folder of the reservations' keys. */
export const RESERVATIONS = 'reservation';
/** The folder of the keys of addresses that were given back. */
export const FREED = 'freed';

const RELEASING: ReadonlySet<IpamMutation['kind']> = new Set([
  'delete_allocation',
  'delete_reservation',
  'put_freed',
  'delete_freed',
]);

/** Encodes changes in their order. */
export function commitWritesOf(mutations: readonly IpamMutation[]): CommitWrites {
  return {
    flat: mutations.flatMap(keyWriteOf),
    releasing: mutations.every(({ kind }) => RELEASING.has(kind)),
  };
}

/** The writes in their order. */
export function* eachWrite({ flat }: CommitWrites): Generator<KeyWrite> {
  for (let at = 0; at < flat.length; at += 2) yield [flat[at] ?? '', flat[at + 1] ?? ''];
}

function keyWriteOf(mutation: IpamMutation): KeyWrite {
  switch (mutation.kind) {
    case 'put_allocation':
      return [`${ALLOCATIONS}/${keyOf(mutation.record)}`, JSON.stringify(mutation.record)];
    case 'delete_allocation':
      return [`${ALLOCATIONS}/${mutation.key}`, ''];
    case 'put_reservation':
      return [`${RESERVATIONS}/${reservationKey(mutation.record)}`, JSON.stringify(mutation.record)];
    case 'delete_reservation':
      return [`${RESERVATIONS}/${mutation.key}`, ''];
    case 'put_freed':
      return [`${FREED}/${mutation.freed.address}`, JSON.stringify(mutation.freed)];
    case 'delete_freed':
      return [`${FREED}/${mutation.address}`, ''];
    case 'replace_pools':
      return [POOLS_KEY, JSON.stringify(mutation.pools)];
  }
}
