import { setTimeout as sleep } from 'node:timers/promises';
import { isFailure, OverlayError } from '@overlay/failure';
import type { CommandResult } from '@overlay/testbed';

/** Ends a check that saw something else than it should. */
export function wrong(words: string): OverlayError {
  return new OverlayError('failed_precondition', words);
}

/** The standard output of a command that has to succeed. @throws OverlayError with what it said. */
export function outputOf(what: string, { exitCode, stdout, stderr }: CommandResult): string {
  if (exitCode === 0) return stdout;
  throw wrong(`${what} ended with ${exitCode}: ${(stderr.trim() || stdout.trim()).slice(-600)}`);
}

/** Repeats what may take a moment until it passes. @throws its last failure after the time is over. */
export async function eventually<T>(timeoutMs: number, action: () => Promise<T>): Promise<T> {
  const patience = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await action();
    } catch (failure) {
      if (!isFailure(failure) || performance.now() > patience) throw failure;
      await sleep(300);
    }
  }
}
