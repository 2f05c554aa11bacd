import { toOverlayError } from '@overlay/failure';
import type { CallOptions, ChangeFailure, KernelChange } from '../kernel-tables.js';
import type { CommandRunner } from './command-runner.js';

/** A refused transaction of so many changes is tried in parts. */
const BISECTED = 1_024;
/** So many changes are found to be at fault by themselves; if there are more, it is not they that are wrong. */
const AT_FAULT = 16;

/** A command that makes changes as one transaction. */
export interface Transaction {
  readonly command: string;
  readonly args: readonly string[];
  /** What the command reads. */
  script(changes: readonly KernelChange[]): string;
}

/**
 * One transaction. A refused one is tried again in halves, to find the changes that are at fault, unless it is large or
 * one after the other is: a tool that is missing or a full kernel would be asked for each change.
 */
export async function applyTransaction(
  runner: CommandRunner,
  transaction: Transaction,
  run: readonly KernelChange[],
  options: CallOptions,
): Promise<readonly ChangeFailure[]> {
  const failures: ChangeFailure[] = [];
  let alone = 0;
  const apply = async (part: readonly KernelChange[]): Promise<void> => {
    const error = await tryTransaction(runner, transaction, part, options);
    if (error === undefined) return;
    if (part.length === 1) alone += 1;
    if (part.length === 1 || part.length > BISECTED || alone >= AT_FAULT) {
      for (const change of part) failures.push({ change, error });
      return;
    }
    const middle = Math.ceil(part.length / 2);
    await apply(part.slice(0, middle));
    await apply(part.slice(middle));
  };
  await apply(run);
  return failures;
}

async function tryTransaction(
  runner: CommandRunner,
  { command, args, script }: Transaction,
  run: readonly KernelChange[],
  { timeoutMs }: CallOptions,
): Promise<string | undefined> {
  try {
    const { exitCode, stderr } = await runner.run(command, args, script(run), timeoutMs);
    return exitCode === 0 ? undefined : stderr.trim();
  } catch (thrown) {
    return toOverlayError(thrown).message;
  }
}
