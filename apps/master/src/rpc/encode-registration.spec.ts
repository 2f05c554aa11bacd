import { describe, expect, it } from '@jest/globals';
import { NetworkOrigin, NetworkPhase, RegisterAgentResponse } from '@overlay/contracts';
import { networkOf } from '../cluster/testing.js';
import { RegistrationEncoder } from './encode-registration.js';
import { toNetworkSpec } from './to-messages.js';

const ASSIGNMENT = { nodeId: 'n1', ip: '10.0.0.1', vtep: undefined, networks: [] };

function definitionsOf(name: string) {
  const spec = toNetworkSpec(networkOf(name, ['9.0.0.0/8', 26]));
  const network = { id: name, spec, origin: NetworkOrigin.CONFIGURATION, phase: NetworkPhase.ACTIVE };
  const addressSpace = { vtepSubnet: '44.128.0.0/20', vtepSubnet6: '', vtepMacOui: '', vtepMtu: 0 };
  return { addressSpace, networks: [network] };
}

describe('RegistrationEncoder', () => {
  it('encodes what the generated code decodes, also when the definitions are replaced', () => {
    const encoder = new RegistrationEncoder();
    for (const definitions of [definitionsOf('a'), definitionsOf('b')]) {
      for (const revision of [7n, 2n ** 63n]) {
        const bytes = encoder.encode(ASSIGNMENT, definitions, revision);
        expect(RegisterAgentResponse.decode(bytes)).toEqual({
          assignment: ASSIGNMENT,
          ...definitions,
          revision,
        });
      }
    }
  });
});
