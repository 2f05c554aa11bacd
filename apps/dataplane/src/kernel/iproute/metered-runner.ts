import type { CommandRunner } from './command-runner.js';

/** Notes one batch: the program, how many lines it was given, and how long it took. */
export type BatchObserver = (tool: string, lines: number, seconds: number) => void;

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
        const lines = input.split('\n').filter((line) => line !== '').length;
        observe(command, lines, (monotonicMs() - startedMs) / 1000);
      }
    },
  };
}
