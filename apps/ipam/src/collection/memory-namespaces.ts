import type { Namespaces } from './namespaces.js';

/** {@link Namespaces} in memory, for tests. */
export class MemoryNamespaces implements Namespaces {
  readonly #paths = new Set<string>();

  /** Creates a namespace at a path. Repeatable. */
  add(path: string): void {
    this.#paths.add(path);
  }

  /** Removes the namespace at a path. Repeatable. */
  remove(path: string): void {
    this.#paths.delete(path);
  }

  lives(path: string): boolean {
    return this.#paths.has(path);
  }
}
