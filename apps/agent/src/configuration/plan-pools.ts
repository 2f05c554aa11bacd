import { type AgentNetwork, AllocationHalf, type Pool } from '@overlay/contracts';
import { cniHalfOf, type HalfSettings } from './cni-half.js';
import { isSharedBlock } from './plan-shared-blocks.js';

/** The address pools of this host: the CNI half, or the shared block, of each given network, as far as there is one. */
export function planPools(networks: readonly AgentNetwork[], settings: HalfSettings): readonly Pool[] {
  return networks.flatMap((network) => {
    const half = cniHalfOf(network, settings);
    if (half === undefined || network.network === undefined) return [];
    const { networkId } = network;
    const shared = isSharedBlock(network) ? { shared: true } : {};
    return [{ networkId, network: network.network.name, half: AllocationHalf.CNI, ...half, ...shared }];
  });
}
