import type { FreedAddress } from '../allocation/freed-addresses.js';
import type { AllocationRecord, IpamMutation, PoolDefinition } from '../allocation/records.js';
import type { ReservationRecord } from '../allocation/reservation.js';

/** Everything that is persisted. */
export interface StoredIpam {
  readonly pools: readonly PoolDefinition[];
  readonly allocations: readonly AllocationRecord[];
  readonly reservations: readonly ReservationRecord[];
  readonly freed: readonly FreedAddress[];
}

/** Keeps pools, allocations, reservations and the order of freed addresses over crashes and power loss. */
export interface AllocationStore {
  /**
   * Everything committed so far.
   * @throws OverlayError `data_loss` naming a record that cannot be read, `failed_precondition` for a format
   * of another release.
   */
  load(): Promise<StoredIpam>;
  /**
   * Persists all the changes or none, in their order; durable when it returns.
   * @throws OverlayError `unavailable` with the reason; then nothing changed. One commit may be open at a time.
   */
  commit(mutations: readonly IpamMutation[]): Promise<void>;
  /** Ends the use of the store. Repeatable. */
  close(): Promise<void>;
}
