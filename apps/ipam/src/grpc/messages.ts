import {
  type Allocation,
  AllocationHalf,
  type Capacity,
  type Pool,
  type Reservation,
} from '@overlay/contracts';
import type { BridgeKind } from '@overlay/model';
import type { HalfCapacity } from '../allocation/capacity.js';
import type { Owner } from '../allocation/owner.js';
import type { AllocationRecord, PoolDefinition } from '../allocation/records.js';
import type { ReservationRecord } from '../allocation/reservation.js';

const HALF: Readonly<Record<BridgeKind, AllocationHalf>> = {
  cni: AllocationHalf.CNI,
  docker: AllocationHalf.DOCKER,
};

/** A pool as a message. */
export function poolMessage(pool: PoolDefinition): Pool {
  return {
    networkId: pool.networkId,
    network: pool.network,
    half: HALF[pool.half],
    subnet: pool.subnet ?? '',
    subnet6: pool.subnet6 ?? '',
    shared: pool.shared,
  };
}

/** An allocation as a message. */
export function allocationMessage(record: AllocationRecord): Allocation {
  return {
    network: record.network,
    half: HALF[record.half],
    owner: { containerId: record.owner.containerId, interface: record.owner.interface },
    addresses: record.addresses.map(({ address, gateway }) => ({ address, gateway })),
    networkNamespace: record.networkNamespace ?? '',
    labels: { ...record.labels },
    allocatedAtMs: BigInt(record.allocatedAtMs),
    bootId: record.bootId,
    reservation: record.reservation ?? '',
    ownerKind: record.ownerKind ?? '',
  };
}

/**
 * A reservation as a message.
 * @param expiresAtMs Unix milliseconds, 0 without end. @param holder who holds its addresses.
 */
export function reservationMessage(
  record: ReservationRecord,
  expiresAtMs: bigint,
  holder: Owner | undefined,
): Reservation {
  return {
    network: record.network,
    half: HALF[record.half],
    name: record.name,
    ips: [...record.addresses],
    expiresAtMs,
    reservedAtMs: BigInt(record.reservedAtMs),
    holder: holder && { containerId: holder.containerId, interface: holder.interface },
  };
}

/** A row of capacity as a message. */
export function capacityMessage(row: HalfCapacity): Capacity {
  return {
    network: row.network,
    half: HALF[row.half],
    family: row.family,
    total: row.total,
    used: row.used,
    reserved: row.reserved,
    cooling: row.cooling,
    free: row.free,
    exhaustedSinceMs: BigInt(row.exhaustedSinceMs ?? 0),
    agentIp: '',
    largestBurst: row.largestBurst,
    silent: false,
  };
}
