import type { CommandRunner } from './command-runner.js';

/** One batch that a program was given. */
export interface Batch {
  /** The program. */
  readonly tool: string;
  /** What iproute2 calls what the batch is about (`route`, `neigh`, …); '' where it is about several or not told. */
  readonly object: string;
  readonly lines: number;
  readonly seconds: number;
}

/** Notes a batch when it is over. */
export type BatchObserver = (batch: Batch) => void;

const WITH_OBJECTS: readonly string[] = ['ip', 'bridge'];
/** No object of iproute2 has a longer name. */
const LONGEST_WORD = 16;

/** The same runner, with an observer of every command that is given something to write. */
export function meteredRunner(
  runner: CommandRunner,
  monotonicMs: () => number,
  observe: BatchObserver,
): CommandRunner {
  return {
    async run(command, args, input, timeoutMs) {
      if (input === '') return runner.run(command, args, input, timeoutMs);
      const startedMs = monotonicMs();
      try {
        return await runner.run(command, args, input, timeoutMs);
      } finally {
        observe({
          tool: command,
          object: WITH_OBJECTS.includes(command) ? objectOf(input) : '',
          lines: countLines(input),
          seconds: (monotonicMs() - startedMs) / 1000,
        });
      }
    },
  };
}

/** Lines that are not empty; counted in place, for a batch may have a hundred thousand. */
function countLines(text: string): number {
  let count = 0;
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    const stop = end < 0 ? text.length : end;
    if (stop > start) count += 1;
    start = stop + 1;
  }
  return count;
}

/** The object that every line begins with. Batches are in the order of objects, so that the ends tell. */
function objectOf(batch: string): string {
  const text = batch.trimEnd();
  const first = wordAt(text, 0);
  return first === wordAt(text, text.lastIndexOf('\n') + 1) ? first : '';
}

function wordAt(text: string, start: number): string {
  return /\S*/.exec(text.slice(start, start + LONGEST_WORD))?.[0] ?? '';
}
