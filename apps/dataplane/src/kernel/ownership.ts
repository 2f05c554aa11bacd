/*
 * How a restarted process knows its own objects:
 *   link        `vtep1024` by its name and its type, vxlan, and by the alias `overlay:vtep` under any other name; bridges
 *               by an alias that starts with `overlay:`, whatever their name
 *   address     on one of these devices, link-local ones excepted (the kernel makes those)
 *   neighbour,
 *   forwarding  permanent, on the VXLAN device
 *   nexthop     protocol 142 on the VXLAN device; the id is only a proposal
 *   route       protocol 142
 *   rule        priority 30042, table 42 and protocol 142, with no selector but its source
 *   nftables    the tables `inet overlay` and `inet overlay_admission`
 *   admission   in the set of the latter
 *   docker-accept  a rule in the chain DOCKER-USER with the comment `overlay`
 *   port        on a CNI bridge; the runtime's, remembered while this process runs
 *   offload     of the VXLAN device
 *   sysctl      by its key; of Docker's bridges those of `plan-docker-settings.ts` while they are as we write them
 */

/** Routing protocol number of our routes and nexthops (rtnetlink's `rtm_protocol`; 142 is ours alone). */
export const ROUTE_PROTOCOL = 142;

/** Table with the underlay addresses of the peers, reached through their VTEPs. */
export const PEER_TABLE = 42;

/** The kernel's main routing table. */
export const MAIN_TABLE = 254;

/** The kernel's table of the host's own addresses, which it looks into before all others. */
export const LOCAL_TABLE = 255;

/** Metric of our routes that lead somewhere, by family: what the kernel takes if nobody says one (`IP6_RT_PRIO_USER`). */
export const ROUTE_METRIC = { 4: 0, 6: 1024 } as const;

/** Priority of the rules that lead to {@link PEER_TABLE}. */
export const RULE_PRIORITY = 30042;

/** Metric of the routes that keep unassigned overlay addresses off the underlay: loses against every other route. */
export const UNREACHABLE_METRIC = 4278198272;

/** Start of the nexthop id range of each family; the low 24 bits come from the peer's IPv4 VTEP address. */
export const NEXTHOP_ID_BASE = { 4: 0x4f000000, 6: 0x6f000000 } as const;

/** Name of the VXLAN device unless the assignment says another. */
export const DEFAULT_VTEP = 'vtep1024';

/** Our bridges' names start with it. */
export const CNI_BRIDGE_PREFIX = 'm-';

/** Docker's bridges of the Docker halves start with it. */
export const DOCKER_BRIDGE_PREFIX = 'd-';

/** The bridge of a block that both runtimes share starts with it. */
export const SHARED_BRIDGE_PREFIX = 'o-';

/** Whether a bridge of that name can be one that we make. */
export function isOwnBridgeName(name: string): boolean {
  return name.startsWith(CNI_BRIDGE_PREFIX) || name.startsWith(SHARED_BRIDGE_PREFIX);
}

/** The names of the bridges that we make for a network: of its CNI half, or of its shared block. */
export function ownBridgeNames(network: string): readonly string[] {
  return [`${CNI_BRIDGE_PREFIX}${network}`, `${SHARED_BRIDGE_PREFIX}${network}`];
}

/** Our bridges' aliases start with it; the network's id follows. */
export const ALIAS_PREFIX = 'overlay:';

/** Alias of the VXLAN device. */
export const VTEP_ALIAS = 'overlay:vtep';

/** Name of our nftables table. */
export const NFT_TABLE = 'overlay';

/** Name of the nftables table that keeps strangers out of the tunnel. */
export const ADMISSION_TABLE = 'overlay_admission';

/** Its set of the peers' underlay addresses. */
export const ADMISSION_SET = 'peers';

/** Docker's chain for rules of others. */
export const DOCKER_CHAIN = 'DOCKER-USER';

/** Comment of our rules in {@link DOCKER_CHAIN}. */
export const DOCKER_COMMENT = 'overlay';
