import { OverlayError } from '@overlay/failure';

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Token of the next page; '' on the last. */
  readonly nextPageToken: string;
}

/** What a caller asks of a list, with the list's own bounds. */
export interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
  readonly defaultSize: number;
}

/** A list in ascending order of its items' keys, each of which is there once. */
export interface OrderedList<T> {
  /** The items whose keys are greater than `key`, which need not be there any more; all of them without one. */
  readonly after: (key: string | undefined) => Iterable<T>;
  readonly keyOf: (item: T) => string;
  /** Which items are asked for; all of them without it. */
  readonly matches?: (item: T) => boolean;
  /** Bytes of an item in the answer, for items that may be large; a page then stays under 1 MiB. */
  readonly bytesOf?: (item: T) => number;
}

const MAX_PAGE_SIZE = 1_000;

/** Items that one page looks at: a few milliseconds, in which nobody else is served. */
const MAX_SCANNED = 10_000;

/** Keeps a page under the 1 MiB that messages may have, with room for what the encoding adds. */
const MAX_PAGE_BYTES = 768 * 1024;

/**
 * The next page of a list. The token is the key of the last item seen, so that a page is right although items came
 * or went since the page before. A page costs its own size; where most items do not match, at most 10,000 are looked
 * at: such a page may be short or empty and still have a next one. So may one whose items are large: it has one item at
 * least and no second one that takes it above 768 KiB.
 * @throws OverlayError `invalid_argument` for a page above 1000 or a token that no page gave.
 */
export function pageOf<T>(list: OrderedList<T>, request: PageRequest): Page<T> {
  const { after, keyOf, matches, bytesOf } = list;
  if (request.pageSize > MAX_PAGE_SIZE) {
    const description = `${request.pageSize} is above the largest page of ${MAX_PAGE_SIZE}`;
    throw OverlayError.invalid([{ field: 'page_size', description }]);
  }
  const size = request.pageSize === 0 ? request.defaultSize : request.pageSize;
  const items: T[] = [];
  let scanned = 0;
  let bytes = 0;
  let last: T | undefined;
  for (const item of after(decodeToken(request.pageToken))) {
    const isMatch = matches?.(item) ?? true;
    if (isMatch) bytes += bytesOf?.(item) ?? 0;
    const isFull = items.length === size || (items.length > 0 && bytes > MAX_PAGE_BYTES);
    if (last !== undefined && (scanned === MAX_SCANNED || (isMatch && isFull))) {
      return { items, nextPageToken: encodeToken(keyOf(last)) };
    }
    if (isMatch) items.push(item);
    scanned += 1;
    last = item;
  }
  return { items, nextPageToken: '' };
}

/** @throws OverlayError `invalid_argument`: no page gives this token. */
export function refuseToken(token: string): never {
  const description = `"${token}" was not given by a page before: begin again without a token`;
  throw OverlayError.invalid([{ field: 'page_token', description }]);
}

function encodeToken(key: string): string {
  return Buffer.from(`k${key}`).toString('base64url');
}

function decodeToken(token: string): string | undefined {
  if (token === '') return undefined;
  const text = Buffer.from(token, 'base64url').toString('utf8');
  return text.startsWith('k') ? text.slice(1) : refuseToken(token);
}
