import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { OverlayError } from '@overlay/failure';

/** An abstract unix socket: the kernel releases it when its holder dies, so the lock is never stale. */
const REGISTRY_LOCK = '\0overlay-testbed-registry';

/**
 * Runs an action while no other process of the machine is inside this function.
 *
 * @throws OverlayError `deadline_exceeded` when another process stays inside for a minute.
 */
export async function withRegistryLock<T>(action: () => T): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const release = await tryRegistryLock();
    if (release !== undefined) {
      try {
        return action();
      } finally {
        await release();
      }
    }
    if (Date.now() > deadline) {
      throw new OverlayError(
        'deadline_exceeded',
        'another process has held the list of testbeds for a minute',
      );
    }
    await sleep(20);
  }
}

function tryRegistryLock(): Promise<(() => Promise<void>) | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EADDRINUSE') resolve(undefined);
      else
        reject(new OverlayError('internal', `cannot lock the list of testbeds: ${cause.message}`, { cause }));
    });
    server.listen(REGISTRY_LOCK, () => {
      resolve(() => new Promise((closed) => server.close(() => closed())));
    });
  });
}
