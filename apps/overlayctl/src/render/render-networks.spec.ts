import { describe, expect, it } from '@jest/globals';
import { NetworkStatus } from '@overlay/contracts';
import { listNetworkAgents } from '../network-agents.js';
import { SAMPLE_NETWORK, sampleAgent } from '../sample-cluster.js';
import { renderNetwork, renderNetworks } from './render-networks.js';

describe('renderNetworks', () => {
  it('shows the definition of each', () => {
    expect(renderNetworks([SAMPLE_NETWORK])).toBe(
      [
        'NAME  SUBNET     PREFIX  SUBNET6  PREFIX6  ENABLED  ISOLATED  PHASE',
        'dcos  9.0.0.0/8  /24     -        -        yes      no        active',
      ].join('\n'),
    );
    expect(renderNetworks([])).toBe('there are no networks');
  });
});

describe('renderNetwork', () => {
  it('shows what each agent has of it', () => {
    const agents = [
      sampleAgent(1, NetworkStatus.OK),
      sampleAgent(2, NetworkStatus.FAILED, 'no <b>device</b>'),
    ];
    const text = renderNetwork(SAMPLE_NETWORK, listNetworkAgents('n1', agents));
    expect(text).toContain('subnet    9.0.0.0/8, one /24 per agent');
    expect(text).toContain('10.0.0.2  yes        9.0.2.0/24  -        failed  no <b>device</b>');
  });

  it('says so when no agent has a part', () => {
    const agents = listNetworkAgents('another', [sampleAgent(1, NetworkStatus.OK)]);
    expect(renderNetwork(SAMPLE_NETWORK, agents)).toContain('no agent has a part of it');
  });
});
