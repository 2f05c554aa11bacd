import { type IpAddress, interfaceIp } from '@overlay/allocation';
import type { HostInstant } from '../host-clock.js';
import { type ContainerId, parseContainerId } from './owner.js';
import type { AllocationRecord } from './records.js';

/**
 * Under which container id an address is held that Docker sets aside for a network (`--aux-address`): such a request
 * names no endpoint, so it is known by the address itself.
 */
export function auxiliaryContainerId(ip: IpAddress): ContainerId {
  return parseContainerId(`docker-${ip}`.replaceAll(':', '-'));
}

/**
 * Whether Docker held an address for an endpoint that ended with an earlier boot of the host. An address that is set
 * aside for a network is the network's over every boot, and Docker does not ask for it again: it is never left behind,
 * and goes with the release that Docker sends when the network is removed.
 */
export function isLeftByDocker(record: AllocationRecord, at: HostInstant): boolean {
  return record.ownerKind === 'docker' && record.bootId !== at.bootId && !isAuxiliary(record);
}

function isAuxiliary({ owner, addresses }: AllocationRecord): boolean {
  return addresses.some(({ address }) => auxiliaryContainerId(interfaceIp(address)) === owner.containerId);
}
