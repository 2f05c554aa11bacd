/** The values of `source` until it ends or the signal aborts, whichever is first. Leaves no listener behind. */
export async function* until<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  const iterator = source[Symbol.asyncIterator]();
  while (!signal.aborted) {
    const next = await unlessAborted(iterator.next(), signal);
    if (next === undefined || next.done) return;
    yield next.value;
  }
}

/**
 * The work's result, or `undefined` once the signal aborts. Leaves no listener behind: a race with one promise that
 * lives as long as a stream would keep every value until its end.
 */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = () => resolve(undefined);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    const settle = () => signal.removeEventListener('abort', stop);
    work.then(resolve, reject).then(settle, settle);
  });
}
