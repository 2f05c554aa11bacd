import { setTimeout as sleep } from 'node:timers/promises';
import { OverlayError } from '@overlay/failure';
import { passesCheck, readHealthChecks } from './health-check.js';
import { type ContainerStanding, explainContainer, type Stack } from './stack.js';

/** How long a container may say that it is unhealthy before that is believed. */
const BELIEF_MS = 45_000;

/** How many health checks are run at the same time, and the pause between two rounds. */
const ASKED_AT_ONCE = 2;
const PAUSE_MS = 1_000;

/**
 * Waits until every container is there and runs and every health check succeeds. The engine's own word on that is up to
 * an interval old: where it is not yet that all is well, the container's own check is run here.
 *
 * @param services those to look at; all without it.
 * @throws OverlayError `deadline_exceeded` or, for a container that stays unhealthy or has ended, `unavailable`, with
 *   the reason of each container that is not well.
 */
export async function awaitHealth(
  stack: Stack,
  timeoutMs: number,
  services: readonly string[] = stack.services,
): Promise<number> {
  const started = performance.now();
  const unwellSince = new Map<string, number>();
  const passed = new Set<string>();
  for (;;) {
    const now = performance.now();
    const isUnwell = ({ id, state }: ContainerStanding): boolean => state !== 'running' || !passed.has(id);
    const unsure = listUnwell(await stack.containers(), services).filter(isUnwell);
    for (const id of await passChecks(stack, unsure)) passed.add(id);
    const unwell = unsure.filter(isUnwell);
    if (unwell.length === 0) return performance.now() - started;
    for (const service of unwellSince.keys()) {
      if (!unwell.some((one) => one.service === service && isBad(one))) unwellSince.delete(service);
    }
    for (const one of unwell.filter(isBad)) {
      if (!unwellSince.has(one.service)) unwellSince.set(one.service, now);
    }
    const bad = [...unwellSince.values()].some((since) => now - since > BELIEF_MS);
    if (bad || now - started > timeoutMs) {
      const reasons = await Promise.all(unwell.map((one) => explainContainer(stack.engine, one)));
      const late = `not everything is healthy after ${Math.round((now - started) / 1000)} s`;
      throw new OverlayError(bad ? 'unavailable' : 'deadline_exceeded', `${late}:\n${reasons.join('\n')}`);
    }
    await sleep(PAUSE_MS);
  }
}

/**
 * Runs the health checks of the containers that run, in the order of the compose file, and no more of them once one
 * fails: whoever comes later needs those before, and every check costs what they are short of.
 * @returns the ids of those that pass.
 */
async function passChecks(
  { engine }: Stack,
  containers: readonly ContainerStanding[],
): Promise<readonly string[]> {
  const running = containers.filter((one) => one.state === 'running').map(({ id }) => id);
  const waiting = [...(await readHealthChecks(engine, running))];
  const passed: string[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (await passesCheck(engine, ...next)) passed.push(next[0]);
      else waiting.length = 0;
    }
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, work));
  return passed;
}

function listUnwell(
  containers: ReadonlyMap<string, ContainerStanding>,
  services: readonly string[],
): readonly ContainerStanding[] {
  return services
    .map(
      (service) => containers.get(service) ?? { service, id: '', state: 'absent', health: 'none' as const },
    )
    .filter((one) => one.state !== 'running' || isUnsure(one));
}

function isUnsure({ health }: ContainerStanding): boolean {
  return health === 'starting' || health === 'unhealthy';
}

function isBad({ state, health }: ContainerStanding): boolean {
  return health === 'unhealthy' || state === 'exited';
}
