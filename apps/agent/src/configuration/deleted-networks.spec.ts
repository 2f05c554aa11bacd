import { describe, expect, it } from '@jest/globals';
import { NetworkPhase } from '@overlay/contracts';
import { deletedNetworkIds, stayingNetworks } from './deleted-networks.js';
import { exampleNetwork, exampleRegistration } from './example-registration.js';

describe('deleted networks', () => {
  const kept = exampleNetwork('kept', 0);
  const gone = exampleNetwork('gone', 1);
  const example = exampleRegistration([kept, gone]);
  const registration = {
    ...example,
    networks: example.networks.map((network) =>
      network.id === gone.networkId ? { ...network, phase: NetworkPhase.DELETING } : network,
    ),
  };

  it('are told apart from those that stay', () => {
    expect(deletedNetworkIds(registration)).toEqual([gone.networkId]);
    expect(stayingNetworks(registration)).toEqual([kept]);
  });

  it('are none while nothing is deleted', () => {
    expect(deletedNetworkIds(example)).toEqual([]);
    expect(stayingNetworks(example)).toHaveLength(2);
  });
});
