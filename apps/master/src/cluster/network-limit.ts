import type { NetworkDefinition } from '@overlay/model';
import type { PlannerState } from './planner-state.js';

/**
 * What a registration changes beside the claims on the node's blocks: its record, the record that it takes over, and the
 * claims on its underlay address and its two VTEP addresses.
 */
const CHANGES_BESIDE_BLOCKS = 5;

/**
 * An agent is told all its networks in one message, of which it takes 4 MiB: 1 MiB for the states that it reported itself
 * (no report is larger) and the rest for what each network may have at most.
 */
const MOST_NETWORKS = 4_096;

/**
 * Why there cannot be so many networks, those of the log and those that are added; undefined if there can. A node has a
 * block for each family of each network, and everything that it has is claimed in one commit. An unknown one that comes from
 * where another is only guessed to be changes one record more, and may have to wait for that other.
 */
export function checkNetworkLimit(
  state: PlannerState,
  added: readonly NetworkDefinition[],
): string | undefined {
  const logged = [...state.records.networks.values()].map(({ definition }) => definition);
  const networks = [...logged, ...added];
  if (networks.length > MOST_NETWORKS) {
    return `${networks.length} networks are more than the ${MOST_NETWORKS} that an agent takes: delete a network first`;
  }
  const blocks = networks.reduce((count, { ipv4, ipv6 }) => count + (ipv4 ? 1 : 0) + (ipv6 ? 1 : 0), 0);
  const most = state.limits.maxMutations - CHANGES_BESIDE_BLOCKS;
  if (blocks <= most) return undefined;
  const would = `${networks.length} networks give each agent ${blocks} blocks, one for each family of each network`;
  return `${would}, and this overlay log takes at most ${most} blocks for one agent: delete a network first`;
}
