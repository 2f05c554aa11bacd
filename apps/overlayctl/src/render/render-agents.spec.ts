import { describe, expect, it } from '@jest/globals';
import { NetworkStatus } from '@overlay/contracts';
import { sampleAgent } from '../sample-cluster.js';
import { renderAgent, renderAgents } from './render-agents.js';
import { renderDeletion } from './render-deletion.js';

const WELL = sampleAgent(1, NetworkStatus.OK);
const ILL = sampleAgent(2, NetworkStatus.FAILED, 'bridge m-dcos: no such device', false);

describe('renderAgents', () => {
  it('shows one line per agent with what it holds and how it stands', () => {
    expect(renderAgents([WELL, ILL])).toBe(
      [
        'IP        VTEP           MAC                CONNECTED  NETWORKS         STATUS',
        '10.0.0.1  44.128.0.1/20  70:b3:d5:80:00:01  yes        dcos 9.0.1.0/24  ok',
        '10.0.0.2  44.128.0.2/20  70:b3:d5:80:00:02  no         dcos 9.0.2.0/24  dcos failed',
      ].join('\n'),
    );
  });

  it('says so when there are none', () => {
    expect(renderAgents([])).toBe('there are no agents');
  });
});

describe('renderAgent', () => {
  it('shows the tunnel endpoint, the halves and the error', () => {
    const text = renderAgent(ILL);
    expect(text).toContain('vtep1024, VNI 1024, 70:b3:d5:80:00:02');
    expect(text).toContain('m-dcos 9.0.2.0/25  d-dcos 9.0.2.128/25  failed  bridge m-dcos: no such device');
    expect(text).toContain('1970-01-01T00:00:02.000Z');
  });
});

describe('renderDeletion', () => {
  it('names every agent, what it holds and whether it is connected', () => {
    expect(renderDeletion([WELL, ILL])).toBe(
      [
        'These 2 agents will be deleted, and every other host stops reaching their containers:',
        '  10.0.0.1 (CONNECTED; VTEP 44.128.0.1/20, 9.0.1.0/24)',
        '  10.0.0.2 (VTEP 44.128.0.2/20, 9.0.2.0/24)',
      ].join('\n'),
    );
    expect(renderDeletion([WELL])).toContain('This agent will be deleted');
  });
});
