/**
 * The streams that a server has open, so that it can end them when it closes: by themselves they last as long as their
 * callers.
 */
export class OpenStreams {
  readonly #ends = new Set<() => void>();
  #ended = false;

  /** Ends the stream with the others, at once if they were ended already, until the returned function is called. */
  track(end: () => void): () => void {
    if (this.#ended) end();
    else this.#ends.add(end);
    return () => this.#ends.delete(end);
  }

  /** Ends every stream, and each that is yet to be opened. Repeatable. */
  end(): void {
    this.#ended = true;
    for (const end of this.#ends) end();
  }
}
