import { isFailure } from '@overlay/failure';
import type { ContainerCommand, ContainerCommands } from './container-commands.js';
import { healthy, type ProbeFinding, unhealthy } from './probe-finding.js';

const OUTPUT_LIMIT = 500;

/** Runs a command inside the container: healthy if it exits with 0. */
export async function probeCommand(
  commands: ContainerCommands,
  command: ContainerCommand,
  signal: AbortSignal,
): Promise<ProbeFinding> {
  try {
    const { exitCode, output } = await commands.run(command, signal);
    const said = output.trim().slice(-OUTPUT_LIMIT);
    const detail = said === '' ? `exit code ${exitCode}` : `exit code ${exitCode}: ${said}`;
    return exitCode === 0 ? healthy(detail) : unhealthy(detail);
  } catch (thrown) {
    if (isFailure(thrown, 'deadline_exceeded')) return unhealthy('the command did not end in time');
    throw thrown;
  }
}
