import { type Cidr, type IpAddress, parseCidr, parseIpAddress } from '@overlay/allocation';
import {
  type AllocateRequest,
  AllocationHalf,
  type AllocationOwner,
  type Pool,
  type ReserveRequest,
} from '@overlay/contracts';
import { type FieldViolation, OverlayError, toOverlayError } from '@overlay/failure';
import { type BridgeKind, type NetworkName, parseNetworkId, parseNetworkName } from '@overlay/model';
import { checkLabels } from '../allocation/labels.js';
import {
  NETNS_MAX_BYTES,
  type Owner,
  parseContainerId,
  parseInterfaceName,
  quoted,
} from '../allocation/owner.js';
import type { ReservationRef } from '../allocation/plan-reservation.js';
import type { HalfRef, PoolDefinition } from '../allocation/records.js';
import { parseReservationName, type ReservationName } from '../allocation/reservation.js';

/** An owner's place in a half, as Allocate and Release name it. */
export interface OwnedHalf extends HalfRef {
  readonly owner: Owner;
}

/** What Allocate asks for. */
export interface AllocationWish extends OwnedHalf {
  readonly requestedIps: readonly IpAddress[];
  readonly reservation?: ReservationName;
  /** Absolute path. */
  readonly networkNamespace?: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What Reserve asks for. */
export interface ReservationWish extends ReservationRef {
  readonly requestedIps: readonly IpAddress[];
  /** Absent for a reservation without end. */
  readonly ttlMs?: number;
}

const MAX_TTL_MS = 3_155_760_000_000n;

/** Collects what is wrong with the fields of one request. */
class Fields {
  readonly violations: FieldViolation[] = [];

  /** The parsed value; undefined, and a violation, if the parser threw. */
  read<T>(field: string, parse: () => T): T | undefined {
    try {
      return parse();
    } catch (thrown) {
      const error = toOverlayError(thrown);
      if (error.code !== 'invalid_argument') throw error;
      this.violations.push({ field, description: error.message });
      return undefined;
    }
  }
}

/**
 * The pools of ConfigurePools.
 * @throws OverlayError `invalid_argument` with every field that is no value of its kind.
 */
export function parsePools(pools: readonly Pool[]): readonly PoolDefinition[] {
  const fields = new Fields();
  const parsed = pools.flatMap((pool, at) => parsePool(fields, pool, `pools[${at}].`) ?? []);
  if (fields.violations.length > 0) throw OverlayError.invalid(fields.violations, 'set of pools');
  return parsed;
}

function parsePool(fields: Fields, pool: Pool, path: string): PoolDefinition | undefined {
  const networkId = fields.read(`${path}network_id`, () => parseNetworkId(pool.networkId));
  const network = fields.read(`${path}network`, () => parseNetworkName(pool.network));
  const half = fields.read(`${path}half`, () => parseHalf(pool.half, undefined));
  const subnet = fields.read(`${path}subnet`, () => optionalCidr(pool.subnet));
  const subnet6 = fields.read(`${path}subnet6`, () => optionalCidr(pool.subnet6));
  if (networkId === undefined || network === undefined || half === undefined) return undefined;
  return {
    networkId,
    network,
    half,
    ...(pool.shared === true ? { shared: true } : {}),
    ...(subnet === undefined ? {} : { subnet }),
    ...(subnet6 === undefined ? {} : { subnet6 }),
  };
}

/**
 * An owner's place in a half; an unspecified half is the CNI half.
 * @throws OverlayError `invalid_argument` with every field that is no value of its kind.
 */
export function parseOwnedHalf(request: {
  readonly network: string;
  readonly half: AllocationHalf;
  readonly owner: AllocationOwner | undefined;
}): OwnedHalf {
  const fields = new Fields();
  const place = readOwnedHalf(fields, request);
  if (place === undefined) throw OverlayError.invalid(fields.violations);
  return place;
}

/**
 * What Allocate asks for.
 * @throws OverlayError `invalid_argument` with every wrong field.
 */
export function parseAllocationWish(request: AllocateRequest): AllocationWish {
  const fields = new Fields();
  const place = readOwnedHalf(fields, request);
  const requestedIps = readAddresses(fields, request.requestedIps);
  const reservation =
    request.reservation === ''
      ? undefined
      : fields.read('reservation', () => parseReservationName(request.reservation));
  const networkNamespace = fields.read('network_namespace', () =>
    parseNamespacePath(request.networkNamespace ?? ''),
  );
  const labels = fields.read('labels', () => checkLabels(request.labels));
  if (place === undefined || labels === undefined || fields.violations.length > 0) {
    throw OverlayError.invalid(fields.violations);
  }
  return {
    ...place,
    requestedIps,
    ...(reservation === undefined ? {} : { reservation }),
    ...(networkNamespace === undefined ? {} : { networkNamespace }),
    labels,
  };
}

/**
 * What Reserve asks for.
 * @throws OverlayError `invalid_argument` with every wrong field.
 */
export function parseReservationWish(request: ReserveRequest): ReservationWish {
  const fields = new Fields();
  const ref = readReservationRef(fields, request);
  const requestedIps = readAddresses(fields, request.requestedIps);
  const ttlMs = fields.read('ttl_ms', () => parseTtlMs(request.ttlMs));
  if (ref === undefined || fields.violations.length > 0) throw OverlayError.invalid(fields.violations);
  return { ...ref, requestedIps, ...(ttlMs === undefined ? {} : { ttlMs }) };
}

/**
 * Which reservation Unreserve means.
 * @throws OverlayError `invalid_argument` with every wrong field.
 */
export function parseReservationRef(request: ReservationFields): ReservationRef {
  const fields = new Fields();
  const ref = readReservationRef(fields, request);
  if (ref === undefined) throw OverlayError.invalid(fields.violations);
  return ref;
}

/**
 * The network that a list is restricted to; undefined for a list of all.
 * @throws OverlayError `invalid_argument` naming the field.
 */
export function parseNetworkFilter(text: string): NetworkName | undefined {
  if (text === '') return undefined;
  const fields = new Fields();
  const network = fields.read('network', () => parseNetworkName(text));
  if (network === undefined) throw OverlayError.invalid(fields.violations);
  return network;
}

interface ReservationFields {
  readonly network: string;
  readonly half: AllocationHalf;
  readonly name: string;
}

function readReservationRef(fields: Fields, request: ReservationFields): ReservationRef | undefined {
  const network = fields.read('network', () => parseNetworkName(request.network));
  const half = fields.read('half', () => parseHalf(request.half, 'cni'));
  const name = fields.read('name', () => parseReservationName(request.name));
  if (network === undefined || half === undefined || name === undefined) return undefined;
  return { network, half, name };
}

function readAddresses(fields: Fields, texts: readonly string[]): readonly IpAddress[] {
  return texts
    .map((text, at) => fields.read(`requested_ips[${at}]`, () => parseIpAddress(text)))
    .filter((address) => address !== undefined);
}

function parseNamespacePath(text: string): string | undefined {
  if (text === '') return undefined;
  const bytes = Buffer.byteLength(text);
  if (bytes > NETNS_MAX_BYTES) {
    throw new OverlayError('invalid_argument', `it has ${bytes} bytes, at most ${NETNS_MAX_BYTES} are kept`);
  }
  // What cannot be looked at would count as living for ever.
  if (text.startsWith('/') && !text.includes('\0')) return text;
  throw new OverlayError(
    'invalid_argument',
    `${quoted(text)} is no absolute path; write one as /run/netns/NAME`,
  );
}

function parseTtlMs(ttlMs: bigint): number | undefined {
  if (ttlMs === 0n) return undefined;
  if (ttlMs <= MAX_TTL_MS) return Number(ttlMs);
  const message = `${ttlMs} is too long: at most ${MAX_TTL_MS} ms (a hundred years); 0 stands without end`;
  throw new OverlayError('invalid_argument', message);
}

function readOwnedHalf(
  fields: Fields,
  request: {
    readonly network: string;
    readonly half: AllocationHalf;
    readonly owner: AllocationOwner | undefined;
  },
): OwnedHalf | undefined {
  const network = fields.read('network', () => parseNetworkName(request.network));
  const half = fields.read('half', () => parseHalf(request.half, 'cni'));
  const containerId = fields.read('owner.container_id', () =>
    parseContainerId(request.owner?.containerId ?? ''),
  );
  const name = fields.read('owner.interface', () => parseInterfaceName(request.owner?.interface ?? ''));
  if (network === undefined || half === undefined || containerId === undefined || name === undefined) {
    return undefined;
  }
  return { network, half, owner: { containerId, interface: name } };
}

function parseHalf(half: AllocationHalf, unspecified: BridgeKind | undefined): BridgeKind {
  if (half === AllocationHalf.CNI) return 'cni';
  if (half === AllocationHalf.DOCKER) return 'docker';
  if (half === AllocationHalf.UNSPECIFIED && unspecified !== undefined) return unspecified;
  const rule = 'write ALLOCATION_HALF_CNI or ALLOCATION_HALF_DOCKER';
  throw new OverlayError('invalid_argument', `${half} is no half: ${rule}`);
}

function optionalCidr(text: string): Cidr | undefined {
  return text === '' ? undefined : parseCidr(text);
}
