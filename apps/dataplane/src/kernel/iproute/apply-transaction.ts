import { toOverlayError } from '@overlay/failure';
import type { CallOptions, ChangeFailure, KernelChange } from '../kernel-tables.js';
import type { CommandRunner } from './command-runner.js';

/** Changes of a refused transaction that are tried one by one. */
const BISECTED = 1_024;

/** A command that makes changes as one transaction. */
export interface Transaction {
  readonly command: string;
  readonly args: readonly string[];
  /** What the command reads. */
  script(changes: readonly KernelChange[]): string;
}

/** One transaction. A refused one is tried again in halves, to find the change that is at fault, unless it is large. */
export async function applyTransaction(
  runner: CommandRunner,
  transaction: Transaction,
  run: readonly KernelChange[],
  options: CallOptions,
): Promise<readonly ChangeFailure[]> {
  const error = await tryTransaction(runner, transaction, run, options);
  if (error === undefined) return [];
  if (run.length === 1 || run.length > BISECTED) return run.map((change) => ({ change, error }));
  const middle = Math.ceil(run.length / 2);
  return [
    ...(await applyTransaction(runner, transaction, run.slice(0, middle), options)),
    ...(await applyTransaction(runner, transaction, run.slice(middle), options)),
  ];
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
