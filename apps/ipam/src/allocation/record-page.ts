import type { OrderedEntry } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import type { IpamState } from './ipam-state.js';
import type { AllocationRecord } from './records.js';
import type { ReservationRecord } from './reservation.js';

/** Which part of the records is wanted. */
export interface PageRequest {
  /** Only of this network. */
  readonly network?: string;
  /** At most so many; 0 for {@link DEFAULT_PAGE_SIZE}. */
  readonly pageSize: number;
  /** The token of the page before; empty for the first page. */
  readonly pageToken: string;
}

/** Some records in the order of their keys. */
export interface RecordPage<Record> {
  readonly records: readonly Record[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** Records under keys that begin with the name of their network. */
export interface RecordList<Record> {
  /** Every record whose key is not below `key`, in the order of the keys. */
  readonly from: (key: string) => Iterable<OrderedEntry<string, Record>>;
  /** How many parts a key has, with slashes between. */
  readonly keyParts: number;
}

const DEFAULT_PAGE_SIZE = 500;
const MAX_PAGE_SIZE = 1000;
/** Keeps a page under the 1 MiB that messages may have, with room for what the encoding adds. */
const MAX_PAGE_BYTES = 768 * 1024;

/** The allocations, by network, half, container and interface. */
export function allocationList(state: Pick<IpamState, 'allocationsFrom'>): RecordList<AllocationRecord> {
  return { from: (key) => state.allocationsFrom(key), keyParts: 4 };
}

/** The reservations, by network, half and name. */
export function reservationList(state: Pick<IpamState, 'reservationsFrom'>): RecordList<ReservationRecord> {
  return { from: (key) => state.reservationsFrom(key), keyParts: 3 };
}

/**
 * A page of a list. It costs its own size, whatever the size of the list. What comes or goes between two pages may or may
 * not be seen; what stays is seen exactly once.
 * @throws OverlayError `invalid_argument` for a page size over 1000 or a token that no page gave.
 */
export function pageOf<Record extends { readonly network: string }>(
  list: RecordList<Record>,
  request: PageRequest,
): RecordPage<Record> {
  if (request.pageSize > MAX_PAGE_SIZE) {
    const description = `${request.pageSize} is too many; a page has at most ${MAX_PAGE_SIZE} of them`;
    throw OverlayError.invalid([{ field: 'page_size', description }]);
  }
  const after = decodeToken(request.pageToken, list.keyParts);
  const folder = request.network === undefined ? '' : `${request.network}/`;
  const records: Record[] = [];
  let bytes = 0;
  let last = '';
  for (const { key, value: record } of list.from(after.startsWith(folder) ? after : folder)) {
    if (!key.startsWith(folder)) break;
    // A name with a slash is no network's, though it may begin a key.
    if (key === after || record.network !== (request.network ?? record.network)) continue;
    bytes += Buffer.byteLength(JSON.stringify(record));
    const isFull = records.length === (request.pageSize || DEFAULT_PAGE_SIZE);
    if (records.length > 0 && (isFull || bytes > MAX_PAGE_BYTES)) {
      return { records, nextPageToken: Buffer.from(last).toString('base64url') };
    }
    records.push(record);
    last = key;
  }
  return { records, nextPageToken: '' };
}

function decodeToken(token: string, keyParts: number): string {
  if (token === '') return '';
  const key = Buffer.from(token, 'base64url').toString('utf8');
  if (key.split('/').length === keyParts) return key;
  const description = 'it is not a token of a page before; leave it empty for the first page';
  throw OverlayError.invalid([{ field: 'page_token', description }]);
}
