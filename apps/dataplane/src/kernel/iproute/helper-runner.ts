import { isFailure, OverlayError } from '@overlay/failure';
import type { SilentHelper } from '../kernel-tables.js';
import type { CommandRunner } from './command-runner.js';

/**
 * Runs programs that only a part of the work depends on. One that hangs is waited for a short time and left alone from then
 * on until it ends: whoever asks for the same meanwhile hears at once that it does not answer, and the rest goes on.
 * @param patienceMs how long one may take; they take milliseconds
 */
export function helperRunner(runner: CommandRunner, patienceMs: number): CommandRunner {
  const hanging = new Set<string>();
  return {
    async run(command, args, input, timeoutMs) {
      const line = [command, ...args].join(' ');
      const silence = () => new OverlayError('deadline_exceeded', `${line} does not answer`);
      if (hanging.has(line)) throw silence();
      const running = runner.run(command, args, input, timeoutMs);
      let limit: NodeJS.Timeout | undefined;
      const waited = new Promise<never>((_resolve, reject) => {
        limit = setTimeout(() => {
          hanging.add(line);
          reject(silence());
        }, patienceMs);
      });
      const ended = running.finally(() => {
        clearTimeout(limit);
        hanging.delete(line);
      });
      // Whoever waited has gone when a hanging one fails at last.
      ended.catch(() => undefined);
      return Promise.race([ended, waited]);
    },
  };
}

/** What is missing because a program does not answer. @throws what was thrown if it says anything else. */
export function silentHelper(kind: SilentHelper['kind'], thrown: unknown): SilentHelper {
  if (!isFailure(thrown, 'deadline_exceeded')) throw thrown;
  return { kind, error: thrown.message };
}
