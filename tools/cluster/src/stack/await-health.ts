import { setTimeout as sleep } from 'node:timers/promises';
import { OverlayError } from '@overlay/failure';
import { type ContainerStanding, explainContainer, type Stack } from './stack.js';

/** How long a container may say that it is unhealthy before that is believed. */
const BELIEF_MS = 45_000;

/**
 * Waits until every container is there and runs and every health check succeeds.
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
  for (;;) {
    const now = performance.now();
    const unwell = listUnwell(await stack.containers(), services);
    if (unwell.length === 0) return now - started;
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
    await sleep(500);
  }
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
