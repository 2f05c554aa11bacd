import { type AgentNetwork, AllocationHalf, type Pool } from '@overlay/contracts';
import { cniHalfOf, type HalfSettings } from './cni-half.js';

/** The address pools of this host: the CNI half of each given network, as far as there is one. */
export function planPools(networks: readonly AgentNetwork[], settings: HalfSettings): readonly Pool[] {
  return networks.flatMap((network) => {
    const half = cniHalfOf(network, settings);
    if (half === undefined || network.network === undefined) return [];
    const { networkId } = network;
    return [{ networkId, network: network.network.name, half: AllocationHalf.CNI, ...half }];
  });
}
