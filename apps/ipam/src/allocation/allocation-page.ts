import { OverlayError } from '@overlay/failure';
import type { IpamState } from './ipam-state.js';
import { type AllocationRecord, keyOf } from './records.js';

/** Which part of the allocations is wanted. */
export interface PageRequest {
  /** Only of this network. */
  readonly network?: string;
  /** At most so many; 0 for {@link DEFAULT_PAGE_SIZE}. */
  readonly pageSize: number;
  /** The token of the page before; empty for the first page. */
  readonly pageToken: string;
}

/** Some allocations in the order of their keys. */
export interface AllocationPage {
  readonly allocations: readonly AllocationRecord[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

const DEFAULT_PAGE_SIZE = 500;
const MAX_PAGE_SIZE = 1000;
/** Keeps a page under the 1 MiB that messages may have, with room for what the encoding adds. */
const MAX_PAGE_BYTES = 768 * 1024;

/**
 * A page of the allocations. It costs its own size, whatever the number of allocations. What is allocated or released between two pages may or may not be seen; what
 * stays is seen exactly once.
 * @throws OverlayError `invalid_argument` for a page size over 1000 or a token that no page gave.
 */
export function pageOf(state: Pick<IpamState, 'allocationsFrom'>, request: PageRequest): AllocationPage {
  if (request.pageSize > MAX_PAGE_SIZE) {
    const description = `${request.pageSize} is too many; a page has at most ${MAX_PAGE_SIZE} allocations`;
    throw OverlayError.invalid([{ field: 'page_size', description }]);
  }
  const after = decodeToken(request.pageToken);
  const folder = request.network === undefined ? '' : `${request.network}/`;
  const allocations: AllocationRecord[] = [];
  let bytes = 0;
  for (const { key, value: record } of state.allocationsFrom(after.startsWith(folder) ? after : folder)) {
    if (!key.startsWith(folder)) break;
    // A name with a slash is no network's, though it may begin a key.
    if (key === after || record.network !== (request.network ?? record.network)) continue;
    bytes += Buffer.byteLength(JSON.stringify(record));
    const isFull = allocations.length === (request.pageSize || DEFAULT_PAGE_SIZE);
    const last = allocations.at(-1);
    if (last !== undefined && (isFull || bytes > MAX_PAGE_BYTES)) {
      return { allocations, nextPageToken: Buffer.from(keyOf(last)).toString('base64url') };
    }
    allocations.push(record);
  }
  return { allocations, nextPageToken: '' };
}

function decodeToken(token: string): string {
  if (token === '') return '';
  const key = Buffer.from(token, 'base64url').toString('utf8');
  if (key.split('/').length === 4) return key;
  const description = 'it is not a token of a page before; leave it empty for the first page';
  throw OverlayError.invalid([{ field: 'page_token', description }]);
}
