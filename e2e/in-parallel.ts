/** Does something with every item, a few at a time. @returns the results in the order of the items. */
export async function inParallel<Item, Result>(
  atOnce: number,
  items: readonly Item[],
  act: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results = new Map<number, Result>();
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results.set(index, await act(item)); // workers share the iterator
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return [...results.entries()].sort(([left], [right]) => left - right).map(([, result]) => result);
}
