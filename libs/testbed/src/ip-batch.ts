import { OverlayError } from '@overlay/failure';
import { runCommand } from './command.js';

/**
 * Runs iproute2 commands in one process, in order, stopping at the first that fails.
 *
 * @param namespace full name of the namespace to act in; the root namespace when absent.
 * @throws OverlayError `internal` with the kernel's words.
 */
export async function runIpBatch(lines: readonly string[], namespace?: string): Promise<void> {
  if (lines.length === 0) return;
  const where = namespace === undefined ? [] : ['-n', namespace];
  const result = await runCommand(['ip', ...where, '-batch', '-'], { input: `${lines.join('\n')}\n` });
  if (result.exitCode !== 0) {
    const line = /Command failed -:(\d+)/.exec(result.stderr)?.[1];
    const failed = line === undefined ? lines.join('; ') : lines[Number(line) - 1];
    throw new OverlayError('internal', `ip ${where.join(' ')} ${failed}: ${result.stderr.trim()}`);
  }
}
