export {
  formatListenAddress,
  isLocalListener,
  type ListenAddress,
  parseListenAddress,
} from './listen-address.js';
export {
  type AddressSpaceDefinition,
  type ClaimRecord,
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
