import { OverlayError } from '@overlay/failure';
import type { NetworkName } from '@overlay/model';
import type { IpamState } from './ipam-state.js';

/**
 * Passes a network of which this host has a pool, or allocations from when it had one; undefined stands for all of them.
 * @throws OverlayError `not_found` for another, naming those with a pool.
 */
export function requireKnownNetwork(state: IpamState, network: NetworkName | undefined): void {
  if (network === undefined) return;
  const names = new Set(state.pools().map(({ definition }) => definition.network));
  if (names.has(network) || hasAllocation(state, network)) return;
  const there = names.size === 0 ? 'this host has no network yet' : `this host has ${[...names].join(', ')}`;
  throw new OverlayError('not_found', `there is no network ${network} here; ${there}`);
}

function hasAllocation(state: IpamState, network: NetworkName): boolean {
  const [first] = state.allocationsFrom(`${network}/`);
  return first?.value.network === network;
}
