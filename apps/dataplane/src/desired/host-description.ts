import type { Cidr, InterfaceAddress, IpAddress, MacAddress } from '@overlay/allocation';
import type { NetworkId, NetworkName, NodeId } from '@overlay/model';

/** The tunnel endpoint of this host. */
export interface VtepDescription {
  readonly name: string;
  readonly vni: number;
  readonly address: InterfaceAddress;
  /** Absent without IPv6. */
  readonly address6?: InterfaceAddress;
  readonly mac: MacAddress;
  readonly mtuBytes: number;
}

/** A network of the cluster. */
export interface ClusterNetwork {
  readonly id: NetworkId;
  readonly name: NetworkName;
  /** The IPv4 and the IPv6 subnet, as far as there are. */
  readonly subnets: readonly Cidr[];
  /** Only `active` networks are configured; one being deleted keeps its isolation. */
  readonly standing: 'active' | 'deleting';
  /** Nothing crosses its border but connections that a host opens to containers on its own bridges. */
  readonly isolated: boolean;
}

/** What this host has in one network. */
export interface HostNetwork {
  readonly id: NetworkId;
  readonly name: NetworkName;
  /** Every prefix routed to this host, both families; empty on a gateway. */
  readonly prefixes: readonly Cidr[];
  /** The CNI half; absent if not allocated. */
  readonly cniBridge?: BridgeHalves;
  /** The Docker half, on a bridge that is Docker's; absent if not allocated. */
  readonly dockerBridge?: BridgeHalves;
}

/** The half of a host's block that is on one bridge. */
export interface BridgeHalves {
  readonly name: string;
  /** At most one of each family. */
  readonly halves: readonly Cidr[];
}

/** Everything that the agent says about this host. */
export interface HostDescription {
  readonly nodeId: NodeId;
  /** Underlay address. */
  readonly ip: IpAddress;
  readonly vtep: VtepDescription;
  readonly vtepSubnets: readonly Cidr[];
  /** What this host has. */
  readonly networks: readonly HostNetwork[];
  /** Every network of the cluster. */
  readonly clusterNetworks: readonly ClusterNetwork[];
  readonly overlayMtuBytes: number;
  readonly configureCniBridges: boolean;
  readonly configureDockerBridges: boolean;
  readonly enableIpv6: boolean;
  /** How long one kernel command may take. */
  readonly commandTimeoutMs: number;
}

/** The networks that are configured. */
export function activeNetworks(host: HostDescription): readonly ClusterNetwork[] {
  return host.clusterNetworks.filter((network) => network.standing === 'active');
}

/** The subnets of the active networks in the families that are configured. */
export function activeSubnets(host: HostDescription): readonly Cidr[] {
  return activeNetworks(host)
    .flatMap((network) => network.subnets)
    .filter((subnet) => host.enableIpv6 || !subnet.includes(':'));
}
