import { type Cidr, type IpAddress, parseCidr, parseIpAddress } from '@overlay/allocation';
import { type AllocateRequest, AllocationHalf, type AllocationOwner, type Pool } from '@overlay/contracts';
import { type FieldViolation, OverlayError, toOverlayError } from '@overlay/failure';
import { type BridgeKind, parseNetworkId, parseNetworkName } from '@overlay/model';
import { checkLabels } from '../allocation/labels.js';
import { type Owner, parseContainerId, parseInterfaceName } from '../allocation/owner.js';
import type { HalfRef, PoolDefinition } from '../allocation/records.js';

/** An owner's place in a half, as Allocate and Release name it. */
export interface OwnedHalf extends HalfRef {
  readonly owner: Owner;
}

/** What Allocate asks for. */
export interface AllocationWish extends OwnedHalf {
  readonly requestedIps: readonly IpAddress[];
  readonly labels: Readonly<Record<string, string>>;
}

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
 * @throws OverlayError `invalid_argument` with every wrong field; `unimplemented` if it names a reservation.
 */
export function parseAllocationWish(request: AllocateRequest): AllocationWish {
  const fields = new Fields();
  const place = readOwnedHalf(fields, request);
  const requestedIps = request.requestedIps.map((text, at) =>
    fields.read(`requested_ips[${at}]`, () => parseIpAddress(text)),
  );
  const labels = fields.read('labels', () => checkLabels(request.labels));
  if (place === undefined || labels === undefined || fields.violations.length > 0) {
    throw OverlayError.invalid(fields.violations);
  }
  if (request.reservation !== '') {
    const message = 'reservation: this release keeps no reservations; leave it empty or request addresses';
    throw new OverlayError('unimplemented', message);
  }
  return { ...place, requestedIps: requestedIps.filter((address) => address !== undefined), labels };
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
