import type { IpAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import type { FreedAddress } from '../allocation/freed-addresses.js';
import {
  type AllocationKey,
  type AllocationRecord,
  type IpamMutation,
  keyOf,
  type PoolDefinition,
} from '../allocation/records.js';
import { type ReservationKey, type ReservationRecord, reservationKey } from '../allocation/reservation.js';
import type { AllocationStore, StoredIpam } from './allocation-store.js';

/** An {@link AllocationStore} in memory, for tests. Its commits can be made to fail. */
export class MemoryAllocationStore implements AllocationStore {
  /** Commits so far. */
  commits = 0;
  /** Decides whether a commit fails, as on a full disk. */
  fails: (mutations: readonly IpamMutation[]) => boolean = () => false;
  #pools: readonly PoolDefinition[] = [];
  readonly #allocations = new Map<AllocationKey, AllocationRecord>();
  readonly #reservations = new Map<ReservationKey, ReservationRecord>();
  readonly #freed = new Map<IpAddress, FreedAddress>();

  async load(): Promise<StoredIpam> {
    return structuredClone({
      pools: this.#pools,
      allocations: [...this.#allocations.values()],
      reservations: [...this.#reservations.values()],
      freed: [...this.#freed.values()],
    });
  }

  async commit(mutations: readonly IpamMutation[]): Promise<void> {
    await Promise.resolve();
    if (this.fails(mutations)) throw new OverlayError('unavailable', 'the store cannot be written');
    this.commits += 1;
    for (const mutation of structuredClone(mutations)) {
      switch (mutation.kind) {
        case 'put_allocation':
          this.#allocations.set(keyOf(mutation.record), mutation.record);
          break;
        case 'delete_allocation':
          this.#allocations.delete(mutation.key);
          break;
        case 'put_reservation':
          this.#reservations.set(reservationKey(mutation.record), mutation.record);
          break;
        case 'delete_reservation':
          this.#reservations.delete(mutation.key);
          break;
        case 'put_freed':
          this.#freed.set(mutation.freed.address, mutation.freed);
          break;
        case 'delete_freed':
          this.#freed.delete(mutation.address);
          break;
        case 'replace_pools':
          this.#pools = mutation.pools;
          break;
      }
    }
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }
}
