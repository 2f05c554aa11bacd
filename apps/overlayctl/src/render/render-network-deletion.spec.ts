import { describe, expect, it } from '@jest/globals';
import { renderNetworkDeletion } from './render-network-deletion.js';

describe('renderNetworkDeletion', () => {
  it('says what goes', () => {
    expect(renderNetworkDeletion('web', 1, 0)).toBe(
      'network "web" goes from 1 agent, with its bridges, routes, rules and CNI files.',
    );
  });

  it('says who loses the network', () => {
    expect(renderNetworkDeletion('web', 3, 1)).toContain('1 attached container loses the network');
    expect(renderNetworkDeletion('web', 3, 2)).toContain('2 attached containers lose the network');
  });
});
