import { describe, expect, it } from '@jest/globals';
import { NetworkStatus } from '@overlay/contracts';
import { stateJson } from '../json/state-json.js';
import { SAMPLE_NETWORK, sampleAgent } from '../sample-cluster.js';
import { renderState } from './render-state.js';

const STATE = {
  addressSpace: { vtepSubnet: '44.128.0.0/20', vtepSubnet6: '', vtepMacOui: '70:B3:D5:00:00:00', vtepMtu: 0 },
  networks: [SAMPLE_NETWORK],
  agents: [
    sampleAgent(1, NetworkStatus.OK),
    sampleAgent(2, NetworkStatus.CONFIGURING, '', false),
    sampleAgent(3, NetworkStatus.FAILED, 'the kernel refused'),
  ],
};

describe('renderState', () => {
  it('counts, and names what failed', () => {
    const text = renderState(STATE);
    expect(text).toContain('agents    3, 2 connected');
    expect(text).toContain('dcos     9.0.0.0/8  -        3       1   1            1');
    expect(text).toContain('10.0.0.3  dcos            the kernel refused');
  });

  it('has no table of failures when nothing failed', () => {
    expect(renderState({ ...STATE, agents: [] })).not.toContain('FAILED NETWORK');
  });
});

describe('stateJson', () => {
  it("has DC/OS's field names", () => {
    const { network, agents } = stateJson(STATE);
    expect(network).toEqual({
      vtep_subnet: '44.128.0.0/20',
      vtep_mac_oui: '70:B3:D5:00:00:00',
      overlays: [{ name: 'dcos', subnet: '9.0.0.0/8', prefix: 24, enabled: true }],
    });
    expect(agents[2]?.overlays[0]?.state).toEqual({ status: 'STATUS_FAILED', error: 'the kernel refused' });
  });
});
