import type { HostInstant } from '../host-clock.js';
import type { IpamState } from './ipam-state.js';
import type { IpamMutation } from './records.js';

/** Starts every cooldown and term anew that began in an earlier boot of the host. Nothing to do within a boot. */
export function planRestart(state: IpamState, now: HostInstant): readonly IpamMutation[] {
  const freed = [...state.freed.oldestFirst()]
    .filter(({ freedAt }) => freedAt.bootId !== now.bootId)
    .map((each): IpamMutation => ({ kind: 'put_freed', freed: { ...each, freedAt: now } }));
  const reservations = [...state.reservations()].flatMap((record): readonly IpamMutation[] => {
    const { term } = record;
    if (term === undefined || term.since.bootId === now.bootId) return [];
    return [{ kind: 'put_reservation', record: { ...record, term: { ...term, since: now } } }];
  });
  return [...freed, ...reservations];
}
