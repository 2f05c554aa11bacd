/** One page of a list and the token of the next; '' on the last. */
export interface ListPage<T> {
  readonly items: readonly T[];
  readonly nextPageToken: string;
}

/** Every item of a paged list. @throws what `readPage` throws. */
export async function readAllPages<T>(
  readPage: (pageToken: string) => Promise<ListPage<T>>,
): Promise<readonly T[]> {
  const items: T[] = [];
  let pageToken = '';
  do {
    const page = await readPage(pageToken);
    items.push(...page.items);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return items;
}
