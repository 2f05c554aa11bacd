import { toOverlayError } from '@overlay/failure';
import type { DataplaneLink } from '../daemons/dataplane-link.js';

/** What became of networks that are being deleted. */
export interface Removals {
  /** Ids of those of which nothing is left on this host. */
  readonly removed: readonly string[];
  /** Why the kernel still holds something of the others, by id. */
  readonly notRemoved: ReadonlyMap<string, string>;
}

/** Nothing was asked to go. */
export const NO_REMOVALS: Removals = { removed: [], notRemoved: new Map() };

/**
 * Has the kernel rid of networks. Its answer counts: a block is given to another host as soon as every host says that it
 * is rid of it. Repeatable; where something stays, each call is a reading of the whole kernel.
 */
export async function removeNetworks(
  ids: readonly string[],
  dataplane: DataplaneLink,
  signal: AbortSignal,
): Promise<Removals> {
  const notRemoved = new Map<string, string>();
  for (const id of ids) {
    try {
      await dataplane.removeNetwork(id, signal);
    } catch (thrown) {
      notRemoved.set(id, toOverlayError(thrown).message);
    }
  }
  return { removed: ids.filter((id) => !notRemoved.has(id)), notRemoved };
}
