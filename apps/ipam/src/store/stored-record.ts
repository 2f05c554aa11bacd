import {
  type Cidr,
  type InterfaceAddress,
  type IpAddress,
  parseCidr,
  parseInterfaceAddress,
  parseIpAddress,
} from '@overlay/allocation';
import { OverlayError, toOverlayError } from '@overlay/failure';
import { type NetworkId, type NetworkName, parseNetworkId, parseNetworkName } from '@overlay/model';
import { z } from 'zod';
import type { FreedAddress } from '../allocation/freed-addresses.js';
import {
  type ContainerId,
  type InterfaceName,
  parseContainerId,
  parseInterfaceName,
} from '../allocation/owner.js';
import type { AllocationRecord, PoolDefinition } from '../allocation/records.js';
import {
  parseReservationName,
  type ReservationName,
  type ReservationRecord,
} from '../allocation/reservation.js';

const address = z.string().transform((text): IpAddress => parseIpAddress(text));
const instant = z.strictObject({ bootId: z.string(), uptimeMs: z.number().int().nonnegative() });
const half = z.enum(['cni', 'docker']);
const cidr = z.string().transform((text): Cidr => parseCidr(text));
const networkId = z.string().transform((text): NetworkId => parseNetworkId(text));
const network = z.string().transform((text): NetworkName => parseNetworkName(text));
const reservationName = z.string().transform((text): ReservationName => parseReservationName(text));

const poolSchema = z.strictObject({
  networkId,
  network,
  half,
  shared: z.exactOptional(z.literal(true)),
  subnet: z.exactOptional(cidr),
  subnet6: z.exactOptional(cidr),
});

const allocationSchema = z.strictObject({
  networkId,
  network,
  half,
  owner: z.strictObject({
    containerId: z.string().transform((text): ContainerId => parseContainerId(text)),
    interface: z.string().transform((text): InterfaceName => parseInterfaceName(text)),
  }),
  ownerKind: z.exactOptional(z.enum(['docker', 'framework'])),
  addresses: z.array(
    z.strictObject({
      address: z.string().transform((text): InterfaceAddress => parseInterfaceAddress(text)),
      gateway: address,
    }),
  ),
  reservation: z.exactOptional(reservationName),
  networkNamespace: z.exactOptional(z.string()),
  namespaceSeen: z.exactOptional(z.boolean()),
  // As it is: z.record leaves a key away that is named __proto__.
  labels: z.custom<Readonly<Record<string, string>>>(isLabels, 'labels are an object of texts'),
  allocatedAtMs: z.number().int().nonnegative(),
  bootId: z.string(),
});

const reservationSchema = z.strictObject({
  networkId,
  network,
  half,
  name: reservationName,
  addresses: z.array(address),
  term: z.exactOptional(z.strictObject({ ttlMs: z.number().int().positive(), since: instant })),
  reservedAtMs: z.number().int().nonnegative(),
});

const freedSchema = z.strictObject({
  address,
  turn: z.number().int().nonnegative(),
  freedAt: instant,
});

/**
 * Reads the pools as they were stored.
 * @throws OverlayError `data_loss` naming the store's key and what is wrong.
 */
export function parseStoredPools(key: string, value: unknown): readonly PoolDefinition[] {
  return parseStored(key, value, z.array(poolSchema));
}

/**
 * Reads an allocation as it was stored.
 * @throws OverlayError `data_loss` naming the store's key and what is wrong.
 */
export function parseStoredAllocation(key: string, value: unknown): AllocationRecord {
  const record = parseStored(key, value, allocationSchema);
  // Before frameworks' records said so, they were those without a namespace.
  const isUnsaid = record.ownerKind === undefined && record.networkNamespace === undefined;
  return isUnsaid ? { ...record, ownerKind: 'framework' } : record;
}

/**
 * Reads a reservation as it was stored.
 * @throws OverlayError `data_loss` naming the store's key and what is wrong.
 */
export function parseStoredReservation(key: string, value: unknown): ReservationRecord {
  return parseStored(key, value, reservationSchema);
}

/**
 * Reads a freed address as it was stored.
 * @throws OverlayError `data_loss` naming the store's key and what is wrong.
 */
export function parseStoredFreed(key: string, value: unknown): FreedAddress {
  return parseStored(key, value, freedSchema);
}

function isLabels(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === 'string');
}

function parseStored<S extends z.ZodType>(key: string, value: unknown, schema: S): z.output<S> {
  try {
    return schema.parse(value);
  } catch (error) {
    const reason = toOverlayError(error).message;
    throw new OverlayError('data_loss', `the stored record ${key} cannot be read: ${reason}`);
  }
}
