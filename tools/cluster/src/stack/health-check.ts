import { docker, type Engine, tryDocker } from '../engine/engine.js';

/** As the compose file has it at most, and some for a machine that is busy. */
const CHECK_MS = 30_000;

/**
 * Runs the health check of a container now, as the engine does once an interval. A container without one passes.
 * @returns whether it succeeded; false, too, for a container that has ended or was replaced meanwhile.
 */
export async function passesCheck(engine: Engine, id: string): Promise<boolean> {
  try {
    const told = await docker(engine, ['inspect', '--format', '{{json .Config.Healthcheck}}', id]);
    const argv = parseHealthCheck(told);
    if (argv === undefined) return true;
    return (await tryDocker(engine, ['exec', id, ...argv], { timeoutMs: CHECK_MS })).exitCode === 0;
  } catch {
    return false;
  }
}

/** The program of a health check as the engine's API shows it; undefined if there is none. */
export function parseHealthCheck(json: string): readonly string[] | undefined {
  const check = JSON.parse(json) as { readonly Test?: readonly string[] } | null;
  const [kind, ...argv] = check?.Test ?? [];
  if (kind === 'CMD') return argv;
  return kind === 'CMD-SHELL' ? ['sh', '-c', ...argv] : undefined;
}
