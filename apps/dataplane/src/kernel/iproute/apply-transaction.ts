import { toOverlayError } from '@overlay/failure';
import type { CallOptions, ChangeFailure, KernelChange } from '../kernel-tables.js';
import type { CommandRunner } from './command-runner.js';

/** A refused transaction of so many changes is tried in parts. */
const DIVIDED = 1_024;
/** So many changes are found to be at fault by themselves; if there are more, it is not they that are wrong. */
const AT_FAULT = 16;

/** A command that makes changes as one transaction. */
export interface Transaction {
  readonly command: string;
  readonly args: readonly string[];
  /** What the command reads. */
  script(changes: readonly KernelChange[]): string;
  /**
   * The parts in which a refused transaction is tried; one or none: it is not to be divided.
   * @param changes more than one
   */
  divide(changes: readonly KernelChange[]): readonly (readonly KernelChange[])[];
  /** Exit code that refuses nothing, but says that the command had to give up waiting. */
  readonly busyExitCode?: number;
}

/** What a transaction came to that was not made. */
interface Outcome {
  readonly error: string;
  /** Whether the kernel or the tool refused a change, so that others of the same transaction may be right. */
  readonly refused: boolean;
}

/**
 * One transaction. A refused one is tried again in parts, to find the changes that are at fault, unless it is large or
 * one after the other is: a full kernel would be asked for each change. One that came to no end is not tried again: each
 * part would take as long.
 */
export async function applyTransaction(
  runner: CommandRunner,
  transaction: Transaction,
  run: readonly KernelChange[],
  options: CallOptions,
): Promise<readonly ChangeFailure[]> {
  const failures: ChangeFailure[] = [];
  let alone = 0;
  let givenUp = false;
  const apply = async (part: readonly KernelChange[]): Promise<void> => {
    const outcome = await tryTransaction(runner, transaction, part, options);
    if (outcome === undefined) return;
    const { error, refused } = outcome;
    if (part.length === 1) alone += 1;
    givenUp ||= !refused || alone >= AT_FAULT;
    const parts = givenUp || part.length === 1 || part.length > DIVIDED ? [] : transaction.divide(part);
    if (parts.length < 2) for (const change of part) failures.push({ change, error });
    else for (const each of parts) await apply(each);
  };
  await apply(run);
  return failures;
}

/** The changes in two parts of the same size. */
export function halve<T>(changes: readonly T[]): readonly (readonly T[])[] {
  const middle = Math.ceil(changes.length / 2);
  return [changes.slice(0, middle), changes.slice(middle)];
}

async function tryTransaction(
  runner: CommandRunner,
  { command, args, script, busyExitCode }: Transaction,
  run: readonly KernelChange[],
  { timeoutMs }: CallOptions,
): Promise<Outcome | undefined> {
  try {
    const { exitCode, stderr } = await runner.run(command, args, script(run), timeoutMs);
    return exitCode === 0 ? undefined : { error: stderr.trim(), refused: exitCode !== busyExitCode };
  } catch (thrown) {
    return { error: toOverlayError(thrown).message, refused: false };
  }
}
