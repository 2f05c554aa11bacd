/** One page of a list and the token of the next; '' on the last. */
export interface ListPage<T> {
  readonly items: readonly T[];
  readonly nextPageToken: string;
}

/** Reads a paged list from its first page to its last. @throws what `readPage` throws. */
async function* readPages<T>(
  readPage: (pageToken: string) => Promise<ListPage<T>>,
): AsyncGenerator<T, void, void> {
  let pageToken = '';
  do {
    const page = await readPage(pageToken);
    yield* page.items;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
}

/** Every item of a paged list. @throws what `readPage` throws. */
export async function readAllPages<T>(
  readPage: (pageToken: string) => Promise<ListPage<T>>,
): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const item of readPages(readPage)) items.push(item);
  return items;
}
