/**
 * Why a process is not ready. A process is ready when no reason stands; each reason has a stable name that
 * documents what an operator can do about it.
 */
export class Readiness {
  readonly #reasons = new Map<string, string>();

  /** Says that something stands in the way. Repeating it replaces the explanation. */
  block(name: string, explanation: string): void {
    this.#reasons.set(name, explanation);
  }

  /** Takes a reason back. Repeatable. */
  clear(name: string): void {
    this.#reasons.delete(name);
  }

  /** Every standing reason as `name: explanation`, oldest first; empty when ready. */
  reasons(): readonly string[] {
    return [...this.#reasons].map(([name, explanation]) => `${name}: ${explanation}`);
  }
}
