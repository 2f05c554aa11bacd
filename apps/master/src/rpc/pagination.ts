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

const MAX_PAGE_SIZE = 1_000;

/**
 * Cuts a page out of items in the order of their keys. The token is the key of the last item seen, so that a page
 * is right although items came or went since the page before.
 * @throws OverlayError `invalid_argument` for a page above 1000 or a token that no page gave.
 */
export function pageOf<T>(items: readonly T[], keyOf: (item: T) => string, request: PageRequest): Page<T> {
  if (request.pageSize > MAX_PAGE_SIZE) {
    const description = `${request.pageSize} is above the largest page of ${MAX_PAGE_SIZE}`;
    throw OverlayError.invalid([{ field: 'page_size', description }]);
  }
  const after = decodeToken(request.pageToken);
  const size = request.pageSize === 0 ? request.defaultSize : request.pageSize;
  const start = after === undefined ? 0 : lowerBound(items, keyOf, after);
  const page = items.slice(start, start + size);
  const last = page.at(-1);
  const more = start + size < items.length && last !== undefined;
  return {
    items: page,
    nextPageToken: more ? Buffer.from(`k${keyOf(last)}`).toString('base64url') : '',
  };
}

function decodeToken(token: string): string | undefined {
  if (token === '') return undefined;
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (!text.startsWith('k')) {
    const description = `"${token}" was not given by a page before: begin again without a token`;
    throw OverlayError.invalid([{ field: 'page_token', description }]);
  }
  return text.slice(1);
}

/** Index of the first item whose key is greater than `after`. */
function lowerBound<T>(items: readonly T[], keyOf: (item: T) => string, after: string): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && keyOf(item) <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
