import { AddressPool, type Cidr, cidrFamily, type IpAddress, type IpFamily } from '@overlay/allocation';
import { gatewayOf } from '@overlay/model';
import type { PoolDefinition } from './records.js';

/** The addresses of one family of a half. */
export interface FamilyPool {
  readonly family: IpFamily;
  readonly prefix: Cidr;
  readonly gateway: IpAddress;
  readonly addresses: AddressPool;
}

/** One half with its addresses, IPv4 first. */
export interface HalfPool {
  readonly definition: PoolDefinition;
  readonly families: readonly FamilyPool[];
}

/** What messages call a pool within its network: `cni half`, or `shared block`. */
export function sideOf({ half, shared }: PoolDefinition): string {
  return shared === true ? 'shared block' : `${half} half`;
}

/** What messages call a pool: `the cni half of network dcos`. */
export function placeOf(definition: PoolDefinition): string {
  return `the ${sideOf(definition)} of network ${definition.network}`;
}

/** A half with every address free. Network, broadcast and gateway addresses are never handed out. */
export function createHalfPool(definition: PoolDefinition): HalfPool {
  const prefixes = [definition.subnet, definition.subnet6].filter((prefix) => prefix !== undefined);
  const families = prefixes.map((prefix): FamilyPool => {
    const gateway = gatewayOf(prefix);
    return { family: cidrFamily(prefix), prefix, gateway, addresses: new AddressPool(prefix, [gateway]) };
  });
  return { definition, families };
}
