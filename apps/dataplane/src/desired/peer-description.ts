import type { Cidr, IpAddress, MacAddress } from '@overlay/allocation';
import type { NetworkId, NodeId } from '@overlay/model';

/** Another host of the overlay. */
export interface PeerDescription {
  readonly nodeId: NodeId;
  /** Underlay address. */
  readonly ip: IpAddress;
  readonly vtepIp: IpAddress;
  /** Absent without IPv6. */
  readonly vtepIp6?: IpAddress;
  readonly vtepMac: MacAddress;
  readonly prefixes: readonly { readonly networkId: NetworkId; readonly prefix: Cidr }[];
}
