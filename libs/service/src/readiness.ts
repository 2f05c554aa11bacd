/**
 * Why a process is not ready. A process is ready when no reason stands; each reason has a stable name that
 * documents what an operator can do about it.
 */
export class Readiness {
  readonly #reasons = new Map<string, string>();
  readonly #listeners = new Set<() => void>();

  /** Says that something stands in the way. Repeating it replaces the explanation. @returns whether this is news. */
  block(name: string, explanation: string): boolean {
    if (this.#reasons.get(name) === explanation) return false;
    this.#reasons.set(name, explanation);
    this.#tell();
    return true;
  }

  /** Takes a reason back. Repeatable. */
  clear(name: string): void {
    if (this.#reasons.delete(name)) this.#tell();
  }

  /** Calls back after every change of the reasons, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Every standing reason as `name: explanation`, oldest first; empty when ready. */
  reasons(): readonly string[] {
    return [...this.#reasons].map(([name, explanation]) => `${name}: ${explanation}`);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
