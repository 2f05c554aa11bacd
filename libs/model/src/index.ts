export { checkNodeIp } from './agent-address.js';
export { type CertifiedNode, certifiedNodeOf, notForNodes } from './certified-node.js';
export { type AgentConfig, type AgentNetworkConfig, agentConfiguration } from './config/agent-config.js';
export type { Configuration } from './config/configuration.js';
export { type DataplaneConfig, dataplaneConfiguration } from './config/dataplane-config.js';
export type { ConfigKey } from './config/describe-schema.js';
export { type DockerIpamConfig, dockerIpamConfiguration } from './config/docker-ipam-config.js';
export { type IpamConfig, ipamConfiguration } from './config/ipam-config.js';
export type { LogLevel } from './config/key-types.js';
export type { LogConfig } from './config/log-block.js';
export type { MasterAddress } from './config/master-address.js';
export { type MasterConfig, masterConfiguration } from './config/master-config.js';
export {
  MAX_CALL_SECONDS,
  type OverlayctlConfig,
  overlayctlConfiguration,
} from './config/overlayctl-config.js';
export { renderConfigDoc } from './config/render-config-doc.js';
export type { TlsFiles } from './config/tls-files.js';
export { checkUnderlayIp, missingIp } from './config/underlay-ip.js';
export {
  type DcosAgent,
  type DcosBridge,
  type DcosNetworkInfo,
  type DcosOverlay,
  type DcosOverlayInfo,
  type DcosStatus,
  type DcosVxlan,
  renderDcosAgent,
  renderDcosNetworkInfo,
  type StateAddressSpace,
  type StateAgentNetwork,
  type StateAssignment,
  type StateBridge,
  type StateNetwork,
  type StateVtep,
} from './dcos-state.js';
export { FORBIDDEN_RANGES, type ForbiddenRange } from './forbidden-range.js';
export {
  type BridgeKind,
  bridgeName,
  cniHalf,
  containerCapacity,
  dockerHalf,
  gatewayOf,
} from './halves.js';
export {
  formatListenAddress,
  isLocalListener,
  type ListenAddress,
  parseListenAddress,
} from './listen-address.js';
export { MTU_MAX_BYTES, MTU_MIN_BYTES, MTU_MIN_IPV6_BYTES } from './mtu.js';
export { type NetworkInput, type Reading, readNetworkDefinition } from './network-input.js';
export {
  parseNetworkId,
  parseNetworkName,
} from './network-name.js';
export { checkNetworkAlone, checkNetworkDefinitions, checkNewNetwork } from './network-rules.js';
export { claimsOf } from './node-claims.js';
export { parseNodeId } from './node-id.js';
export { findOverlaps, type OwnedSubnet } from './overlaps.js';
export {
  type AddressSpaceDefinition,
  type ClaimRecord,
  type FormerNodeRecord,
  type LogRecord,
  type LogRecordRef,
  type Mutation,
  type NetworkDefinition,
  type NetworkId,
  type NetworkName,
  type NetworkRecord,
  type NodeId,
  type NodeNetwork,
  type NodeRecord,
  refOf,
  type SubnetPlan,
} from './records.js';
export { parseServerAddress } from './server-address.js';
export { VTEP_DEVICE, VTEP_UDP_PORT, VTEP_VNI, vtepMac } from './vtep.js';
