import { type Cidr, containsCidr } from '@overlay/allocation';
import type { AddressSpaceDefinition } from '@overlay/model';

/** Whether the log has to take the configured address space, and what forbids it. */
export interface AddressSpaceStep {
  readonly changed: boolean;
  readonly problems: readonly string[];
}

/** Compares the log's address space with the configured one; the log's is absent on a first start. */
export function planAddressSpace(
  logged: AddressSpaceDefinition | undefined,
  configured: AddressSpaceDefinition,
): AddressSpaceStep {
  if (logged === undefined) return { changed: true, problems: [] };
  const problems: string[] = [];
  const refuse = (key: string, before: unknown, after: unknown, rule: string) => {
    const values = `the log has ${before ?? 'none'}, the configuration ${after ?? 'none'}`;
    problems.push(`network.${key} cannot change like this: ${values}; ${rule}`);
  };
  if (!grows(logged.vtepSubnet, configured.vtepSubnet)) {
    refuse('vtep_subnet', logged.vtepSubnet, configured.vtepSubnet, 'it may only be enlarged');
  }
  if (logged.vtepSubnet6 !== undefined && logged.vtepSubnet6 !== configured.vtepSubnet6) {
    refuse('vtep_subnet6', logged.vtepSubnet6, configured.vtepSubnet6, 'it may only be added');
  }
  if (logged.vtepMacOui !== configured.vtepMacOui) {
    refuse('vtep_mac_oui', logged.vtepMacOui, configured.vtepMacOui, 'hosts keep their MAC addresses');
  }
  if (logged.vtepMtuBytes !== configured.vtepMtuBytes) {
    refuse('vtep_mtu', logged.vtepMtuBytes, configured.vtepMtuBytes, 'put the old value back');
  }
  const changed =
    logged.vtepSubnet !== configured.vtepSubnet || logged.vtepSubnet6 !== configured.vtepSubnet6;
  return { changed, problems };
}

function grows(before: Cidr, after: Cidr): boolean {
  return before === after || containsCidr(after, before);
}
