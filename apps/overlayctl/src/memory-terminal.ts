import type { Terminal } from './terminal.js';

/** A terminal in memory: remembers what was written and answers questions from a list; nothing comes in. */
export class MemoryTerminal implements Terminal {
  readonly interactive: boolean;
  readonly printed: string[] = [];
  readonly warned: string[] = [];
  readonly asked: string[] = [];
  readonly #answers: string[];

  /** @param answers what a person types, in order; undefined for a terminal without a person. */
  constructor(answers?: readonly string[]) {
    this.interactive = answers !== undefined;
    this.#answers = [...(answers ?? [])];
  }

  print(text: string): void {
    this.printed.push(text);
  }

  async printPieces(pieces: AsyncIterable<string>): Promise<void> {
    for await (const piece of pieces) this.print(piece.trimEnd());
  }

  get input(): AsyncIterable<string> {
    return (async function* () {})();
  }

  warn(text: string): void {
    this.warned.push(text);
  }

  async ask(question: string): Promise<string> {
    this.asked.push(question);
    return this.#answers.shift() ?? '';
  }
}
