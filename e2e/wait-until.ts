import { setTimeout as sleep } from 'node:timers/promises';
import { OverlayError } from '@overlay/failure';

/**
 * Asks again and again until the answer is `undefined`.
 *
 * @param problem what still stands in the way; a probe that throws counts as its message.
 * @throws OverlayError `deadline_exceeded` with the last problem.
 */
export async function waitUntilNo(
  problem: () => Promise<string | undefined>,
  timeoutMs = 20_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const words = await problem().catch((cause: unknown) => String(cause));
    if (words === undefined) return;
    if (Date.now() > deadline) {
      throw new OverlayError('deadline_exceeded', `after ${timeoutMs} ms still: ${words}`);
    }
    await sleep(50);
  }
}

/** Asks until the answer is true. @param what for the error: `the route is gone`. @throws as {@link waitUntilNo}. */
export function waitUntil(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  timeoutMs?: number,
): Promise<void> {
  return waitUntilNo(async () => ((await isSo()) ? undefined : `not so: ${what}`), timeoutMs);
}
