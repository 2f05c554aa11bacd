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
export { type Integer, type Integers, NUMBERS } from './integers.js';
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
