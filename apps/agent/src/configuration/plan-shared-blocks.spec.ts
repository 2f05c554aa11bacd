import { describe, expect, it } from '@jest/globals';
import type { AgentNetwork, Assignment } from '@overlay/contracts';
import { exampleNetwork } from './example-registration.js';
import { isSharedBlock, planSharedBlocks } from './plan-shared-blocks.js';

function assignmentOf(network: AgentNetwork): Assignment {
  return { nodeId: 'n1', ip: '10.0.0.1', vtep: undefined, networks: [network] };
}

describe('planSharedBlocks', () => {
  const split = exampleNetwork('dcos', 3);

  it('puts both runtimes on one bridge with the whole block', () => {
    const [shared] = planSharedBlocks(assignmentOf(split)).networks;
    const bridge = { name: 'o-dcos', ip: '9.3.0.0/24', ip6: '' };
    expect(shared).toEqual({ ...split, cniBridge: bridge, dockerBridge: bridge });
    expect([split, shared ?? split].map(isSharedBlock)).toEqual([false, true]);
  });

  it('leaves a network alone that has no block here', () => {
    const none: AgentNetwork = { ...split, subnet: '', cniBridge: undefined, dockerBridge: undefined };
    expect(planSharedBlocks(assignmentOf(none)).networks).toEqual([none]);
  });
});
