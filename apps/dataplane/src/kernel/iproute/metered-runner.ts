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
        const lines = input.split('\n').filter((line) => line !== '');
        observe({
          tool: command,
          object: WITH_OBJECTS.includes(command) ? objectOf(lines) : '',
          lines: lines.length,
          seconds: (monotonicMs() - startedMs) / 1000,
        });
      }
    },
  };
}

/** The object that every line begins with. Batches are in the order of objects, so that the ends tell. */
function objectOf(lines: readonly string[]): string {
  const [first] = lines[0]?.split(' ') ?? [];
  const [last] = lines.at(-1)?.split(' ') ?? [];
  return first !== undefined && first === last ? first : '';
}
