import { AddressSpace, Network, type RegisterAgentResponse, type TopologyChange } from '@overlay/contracts';

/**
 * Whether topology changes say something of networks or the address space that the registration does not know
 * yet, so that a fresh one may bring another assignment.
 */
export function outdatesRegistration(
  registration: RegisterAgentResponse,
  changes: readonly TopologyChange[],
): boolean {
  const networks = new Map(registration.networks.map((network) => [network.id, network]));
  return changes.some(({ change }) => {
    switch (change?.$case) {
      case 'network': {
        const known = networks.get(change.value.id);
        return known === undefined || !same(Network.encode(known), Network.encode(change.value));
      }
      case 'removedNetworkId':
        return networks.has(change.value);
      case 'addressSpace': {
        const known = registration.addressSpace;
        return known === undefined || !same(AddressSpace.encode(known), AddressSpace.encode(change.value));
      }
      default:
        return false;
    }
  });
}

interface Encoded {
  finish(): Uint8Array;
}

function same(a: Encoded, b: Encoded): boolean {
  return Buffer.from(a.finish()).equals(b.finish());
}
