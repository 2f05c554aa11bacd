import type { Capacity, Pool, RegisterAgentResponse } from '@overlay/contracts';
import type { HalfSettings } from '../configuration/cni-half.js';
import { stayingNetworks } from '../configuration/deleted-networks.js';
import type { HostProgress } from '../configuration/network-progress.js';
import { planPools } from '../configuration/plan-pools.js';

/** The pools that overlay-ipam was given: those of the networks that are configured. */
export function planGivenPools(
  registration: RegisterAgentResponse | undefined,
  progress: HostProgress,
  settings: HalfSettings,
): readonly Pool[] {
  if (registration === undefined) return [];
  const configured = stayingNetworks(registration).filter(
    ({ networkId }) => progress.get(networkId)?.kind === 'configured',
  );
  return planPools(configured, settings);
}

/**
 * Names of the networks whose pool overlay-ipam lacks, by the capacity that it tells.
 * @param given the pools that it was given before it was asked, and those after: what came or went between is not lost
 */
export function lostPools(
  given: { readonly before: readonly Pool[]; readonly after: readonly Pool[] },
  capacities: readonly Capacity[],
): readonly string[] {
  const still = new Set(given.after.map(({ networkId }) => networkId));
  const told = new Set(capacities.map(keyOfPool));
  return given.before
    .filter((pool) => still.has(pool.networkId) && !told.has(keyOfPool(pool)))
    .map(({ network }) => network);
}

function keyOfPool({ network, half }: Pick<Pool, 'network' | 'half'>): string {
  return `${network} ${half}`;
}
