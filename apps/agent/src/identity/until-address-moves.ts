import type { MasterAddress } from '@overlay/model';
import type { Clock } from '@overlay/service';
import type { RouteSource } from './underlay-address.js';

/** How often the kernel is asked; a question costs one socket and no packet. */
const POLL_MS = 1_000;

/**
 * Waits until this host would use another source address towards a master than at the first question. A host that has
 * no route at all has not moved; one that gets its first address has.
 * @returns true when it moved, false when the signal aborts. Never rejects.
 */
export async function untilAddressMoves(
  { host, port }: MasterAddress,
  { routeSource, clock }: { readonly routeSource: RouteSource; readonly clock: Clock },
  signal: AbortSignal,
): Promise<boolean> {
  const ask = () => routeSource(host, port).catch(() => undefined);
  const first = await ask();
  while (!signal.aborted) {
    await clock.sleep(POLL_MS, signal);
    if (signal.aborted) return false;
    const present = await ask();
    if (present !== undefined && present !== first) return true;
  }
  return false;
}
