import { parseCidr } from '@overlay/allocation';
import { gatewayOf } from '@overlay/model';
import type { DockerNetworkSettings, DockerSubnet } from './docker-networks.js';
import { engineFeatures } from './engine-version.js';

/** Whether the two runtimes of a host have a half each, or share the whole block. */
export type PoolMode = 'split' | 'shared';

/** What of an overlay network is Docker's on this host; '' for a family without. */
export interface DockerOverlay {
  /** Id of the network. */
  readonly networkId: string;
  /** Name of the network. */
  readonly name: string;
  /** The Docker half, or the whole block where it is shared. */
  readonly subnet: string;
  readonly subnet6: string;
  readonly mtuBytes: number;
  readonly pool: PoolMode;
}

/** The label by which a Docker network is known as ours: the id of the overlay network it belongs to. */
export const NETWORK_ID_LABEL = 'overlay.network-id';

/** The bridge driver's options (moby `libnetwork/drivers/bridge`, `libnetwork/netlabel`). */
export const BRIDGE_OPTIONS = {
  name: 'com.docker.network.bridge.name',
  masquerade: 'com.docker.network.bridge.enable_ip_masquerade',
  mtu: 'com.docker.network.driver.mtu',
  betweenContainers: 'com.docker.network.bridge.enable_icc',
  withoutIpv4Gateway: 'com.docker.network.bridge.inhibit_ipv4',
  gatewayMode: 'com.docker.network.bridge.gateway_mode_ipv4',
  gatewayMode6: 'com.docker.network.bridge.gateway_mode_ipv6',
} as const;

/** The gateway mode that lets other hosts reach containers whether or not they publish ports. */
const UNPROTECTED = 'nat-unprotected';

/**
 * The Docker network of an overlay network: a bridge network of its name on `d-<name>` with the half's subnets,
 * their first addresses as gateways, and no masquerade by Docker, for that is the dataplane's. In a shared pool
 * both runtimes are on `o-<name>`, and overlay-ipam gives the addresses.
 * @param engineVersion as the engine tells it; decides about options that not every engine knows
 */
export function planDockerNetwork(overlay: DockerOverlay, engineVersion: string): DockerNetworkSettings {
  const { gatewayModes, ipv6Only } = engineFeatures(engineVersion);
  const { networkId, name, subnet, subnet6, mtuBytes, pool } = overlay;
  const split = pool === 'split';
  const ipv4 = subnet !== '';
  const ipv6 = subnet6 !== '';
  return {
    name,
    driver: 'bridge',
    ipamDriver: split ? 'default' : 'overlay',
    ipv4: ipv4 || !ipv6Only,
    ipv6,
    internal: false,
    subnets: [...(ipv4 ? [subnetOf(subnet)] : []), ...(ipv6 ? [subnetOf(subnet6)] : [])],
    options: {
      [BRIDGE_OPTIONS.name]: `${split ? 'd' : 'o'}-${name}`,
      [BRIDGE_OPTIONS.masquerade]: 'false',
      [BRIDGE_OPTIONS.mtu]: String(mtuBytes),
      ...(gatewayModes && ipv4 ? { [BRIDGE_OPTIONS.gatewayMode]: UNPROTECTED } : {}),
      ...(gatewayModes && ipv6 ? { [BRIDGE_OPTIONS.gatewayMode6]: UNPROTECTED } : {}),
    },
    labels: { [NETWORK_ID_LABEL]: networkId },
  };
}

function subnetOf(subnet: string): DockerSubnet {
  return { subnet, gateway: gatewayOf(parseCidr(subnet)), range: '', setAside: [] };
}
