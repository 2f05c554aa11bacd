import { type AddressSpaceDefinition, checkNetworkDefinitions, type NetworkRecord } from '@overlay/model';
import { keyOf } from '../log-keys.js';
import type { LogProblem } from './log-problem.js';

const BASE = 'network';
/** Fields of a network in the violations of {@link checkNetworkDefinitions}. */
const FIELD = /^network\.(?:overlays\[(\d+)\]\.?)?(.*)$/;

/**
 * The rules of every configuration for the address space and the networks that are there, those being deleted
 * included; what stays of a deleted one has no addresses.
 */
export function checkNetworks(
  addressSpace: AddressSpaceDefinition | undefined,
  networks: readonly NetworkRecord[],
): readonly LogProblem[] {
  const present = networks.filter(({ phase }) => phase !== 'deleted');
  const definitions = present.map(({ definition }) => definition);
  return checkNetworkDefinitions(addressSpace ?? {}, definitions, BASE).map(({ field, description }) => {
    const [, index, name = ''] = FIELD.exec(field) ?? [];
    const network = index === undefined ? undefined : present[Number(index)];
    const key = keyOf(
      network === undefined ? { kind: 'address-space' } : { kind: 'network', id: network.id },
    );
    return { key, rule: 'address-rules', description: name === '' ? description : `${name}: ${description}` };
  });
}
