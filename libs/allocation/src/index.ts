export { AddressPool } from './address-pool.js';
export {
  addressAt,
  addressInPrefix,
  addressOrder,
  type Cidr,
  cidrFamily,
  cidrFrom,
  cidrOrder,
  cidrRange,
  cidrSize,
  cidrsOverlap,
  containsAddress,
  containsCidr,
  halvesOf,
  type InterfaceAddress,
  interfaceIp,
  networkAddress,
  parseCidr,
  parseInterfaceAddress,
  prefixLength,
} from './cidr.js';
export { IndexPool, type IndexPoolOptions } from './index-pool.js';
export { BIGINTS, type Integer, type Integers, integersFor, NUMBERS } from './integers.js';
export { type Interval, IntervalSet } from './interval-set.js';
export {
  ADDRESS_BITS,
  addressToInteger,
  familyOf,
  type IpAddress,
  type IpFamily,
  integerToAddress,
  isIpAddress,
  parseIpAddress,
} from './ip-address.js';
export {
  integerToMac,
  isGroupMac,
  isMacAddress,
  type MacAddress,
  macToInteger,
  parseMacAddress,
} from './mac-address.js';
export type { Numbering } from './numbering.js';
export { type OrderedEntry, OrderedMap } from './ordered-map.js';
export type { QuarantineTerm } from './quarantine.js';
export { SubnetPool } from './subnet-pool.js';
export { type Turn, TurnOrder } from './turn-order.js';
export { ValuePool } from './value-pool.js';
