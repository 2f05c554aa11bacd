import { OverlayError } from '@overlay/failure';
import { runCommand } from '@overlay/testbed';
import type { Engine } from '../engine/engine.js';

const COMMANDS = [
  { command: ['docker', 'compose'], question: ['docker', 'compose', 'version'] },
  { command: ['docker-compose'], question: ['sh', '-c', 'command -v docker-compose'] },
];

/**
 * What compose is called as here: Docker's plugin, or docker-compose.
 * @throws OverlayError `not_found` if there is neither.
 */
export async function findCompose(engine: Engine): Promise<readonly string[]> {
  // Neither question starts docker-compose itself, which takes seconds on a busy machine.
  for (const { command, question } of COMMANDS) {
    const asked = await runCommand(question, { env: engine.env }).catch(() => undefined);
    if (asked?.exitCode === 0) return command;
  }
  const wayOut = 'run tools/bootstrap, or install the package docker-compose';
  throw new OverlayError('not_found', `neither "docker compose" nor docker-compose is there: ${wayOut}`);
}
