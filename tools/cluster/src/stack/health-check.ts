import { docker, type Engine, tryDocker } from '../engine/engine.js';

/** As the compose file has it at most, and some for a machine that is busy. */
const CHECK_MS = 30_000;

/** The program of a container's health check; undefined for a container without one. */
export type HealthCheck = readonly string[] | undefined;

/** The health checks of containers, by id; those that are gone meanwhile have none here. */
export async function readHealthChecks(
  engine: Engine,
  ids: readonly string[],
): Promise<ReadonlyMap<string, HealthCheck>> {
  if (ids.length === 0) return new Map();
  const format = '{{slice .Id 0 12}}\t{{json .Config.Healthcheck}}';
  const { stdout } = await tryDocker(engine, ['inspect', '--format', format, ...ids]);
  const rows = stdout.trim().split('\n').filter(Boolean);
  return new Map(
    rows.map((row) => {
      const [id = '', check = ''] = row.split('\t');
      return [id, parseHealthCheck(check)];
    }),
  );
}

/**
 * Runs a health check now, as the engine does once an interval.
 * @returns whether it succeeded; false, too, for a container that has ended or was replaced meanwhile.
 */
export async function passesCheck(engine: Engine, id: string, check: HealthCheck): Promise<boolean> {
  if (check === undefined) return true;
  return docker(engine, ['exec', id, ...check], { timeoutMs: CHECK_MS }).then(
    () => true,
    () => false,
  );
}

/** The program of a health check as the engine's API shows it. */
export function parseHealthCheck(json: string): HealthCheck {
  const check = JSON.parse(json) as { readonly Test?: readonly string[] } | null;
  const [kind, ...argv] = check?.Test ?? [];
  if (kind === 'CMD') return argv;
  return kind === 'CMD-SHELL' ? ['sh', '-c', ...argv] : undefined;
}
