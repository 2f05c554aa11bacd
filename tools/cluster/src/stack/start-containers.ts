import { OverlayError, toOverlayError } from '@overlay/failure';
import { awaitHealth } from './await-health.js';
import type { Stack } from './stack.js';

const HEALTHY_MS = 240_000;
const ATTEMPTS = 3;

/**
 * Makes and starts containers with compose. Compose gives up where the engine takes too long for one of them, which on a
 * busy machine only needs time: compose is asked again when whatever has been started is healthy. Repeating it is safe.
 *
 * @param services those to start, with what they depend on; all without it.
 * @throws OverlayError what compose says, with the reasons of containers that do not get healthy.
 */
export async function startContainers(stack: Stack, services: readonly string[] = []): Promise<void> {
  const orphans = services.length === 0 ? ['--remove-orphans'] : [];
  for (let attempt = 1; ; attempt += 1) {
    try {
      await stack.compose(['up', '--detach', '--no-build', ...orphans, ...services]);
      return;
    } catch (failure) {
      if (attempt === ATTEMPTS) throw failure;
      await awaitStarted(stack, toOverlayError(failure));
    }
  }
}

async function awaitStarted(stack: Stack, failure: OverlayError): Promise<void> {
  // Docker's plugin makes every container before it starts the first: those that wait for others are only made.
  const started = [...(await stack.containers()).values()].filter(({ state }) => state !== 'created');
  if (started.length === 0) throw failure;
  const names = started.map(({ service }) => service);
  await awaitHealth(stack, HEALTHY_MS, names).catch((unwell: unknown) => {
    const { code, message } = toOverlayError(unwell);
    throw new OverlayError(code, `${failure.message}\n${message}`);
  });
}
