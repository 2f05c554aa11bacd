import type { AgentNetwork } from '@overlay/contracts';
import type { AgentConfig } from '@overlay/model';
import { isSharedBlock } from '../configuration/plan-shared-blocks.js';
import type { DockerOverlay, PoolMode } from './plan-docker-network.js';

/** What of the agent's configuration decides about Docker halves. */
export type DockerHalfSettings = Pick<
  AgentConfig['network'],
  'allocateSubnet' | 'dockerBridge' | 'enableIpv6' | 'overlayMtuBytes'
>;

/** Whether this host has Docker halves at all. */
export function usesDocker({ allocateSubnet, dockerBridge }: DockerHalfSettings): boolean {
  return allocateSubnet && dockerBridge;
}

/**
 * The network's Docker half as this host configures it; undefined if it has none or does not want one. A disabled
 * network is not configured: the Docker network that it had stays as it is.
 */
export function dockerHalfOf(
  network: AgentNetwork,
  settings: DockerHalfSettings,
  pool: PoolMode = isSharedBlock(network) ? 'shared' : 'split',
): DockerOverlay | undefined {
  const { networkId, network: spec, dockerBridge } = network;
  if (!usesDocker(settings) || spec === undefined || spec.disabled || dockerBridge === undefined)
    return undefined;
  const given =
    pool === 'split'
      ? { subnet: dockerBridge.ip, subnet6: dockerBridge.ip6 }
      : { subnet: network.subnet, subnet6: network.subnet6 };
  const subnet6 = settings.enableIpv6 ? given.subnet6 : '';
  if (given.subnet === '' && subnet6 === '') return undefined;
  return {
    networkId,
    name: spec.name,
    subnet: given.subnet,
    subnet6,
    mtuBytes: settings.overlayMtuBytes,
    pool,
  };
}
