import { describe, expect, it } from '@jest/globals';
import { AddressSpace, Network, Peer, type TopologyChange } from '@overlay/contracts';
import { exampleNetwork, exampleRegistration } from '../configuration/example-registration.js';
import { outdatesRegistration } from './outdates-registration.js';

const registration = exampleRegistration([exampleNetwork('dcos', 0)]);
const [known] = registration.networks;

describe('outdatesRegistration', () => {
  it.each<[string, TopologyChange['change'], boolean]>([
    ['a peer', { $case: 'peer', value: Peer.create({ nodeId: 'n2' }) }, false],
    ['a peer that goes', { $case: 'removedNodeId', value: 'n2' }, false],
    ['a network as known', { $case: 'network', value: Network.create(known) }, false],
    ['a new network', { $case: 'network', value: Network.create({ id: 'new' }) }, true],
    ['a changed network', { $case: 'network', value: Network.create({ ...known, phase: 2 }) }, true],
    ['a known network that goes', { $case: 'removedNetworkId', value: known?.id ?? '' }, true],
    ['an unknown network that goes', { $case: 'removedNetworkId', value: 'other' }, false],
    [
      'the address space as known',
      { $case: 'addressSpace', value: AddressSpace.create(registration.addressSpace) },
      false,
    ],
    ['another address space', { $case: 'addressSpace', value: AddressSpace.create({ vtepMtu: 9 }) }, true],
  ])('takes %s for %j', (_name, change, outdated) => {
    expect(outdatesRegistration(registration, [{ change }])).toBe(outdated);
  });
});
