import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EMPTY_CLUSTER } from './cluster-view.js';
import { parseState } from './parse-state.js';

const VXLAN = { vni: 1024, vtep_name: 'vtep1024', vtep_ip: '44.128.0.1/20', vtep_mac: '70:b3:d5:80:00:01' };
const OVERLAY = {
  info: { name: 'dcos', subnet: '9.0.0.0/8', prefix: 24, enabled: true },
  subnet: '9.0.0.0/24',
  mesos_bridge: { name: 'm-dcos', ip: '9.0.0.0/25' },
  docker_bridge: { name: 'd-dcos', ip: '9.0.0.128/25' },
  backend: { vxlan: VXLAN },
  state: { status: 'STATUS_FAILED', error: 'no device' },
};

describe('parseState', () => {
  it('reads networks and agents', () => {
    const network = { vtep_subnet: '44.128.0.0/20', overlays: [OVERLAY.info] };
    const cluster = parseState({ network, agents: [{ ip: '10.0.0.1', overlays: [OVERLAY] }] });
    expect(cluster.vtepSubnets).toEqual(['44.128.0.0/20']);
    expect(cluster.networks).toMatchObject([{ name: 'dcos', subnet6: '', enabled: true, isolated: false }]);
    expect(cluster.agents).toEqual([
      {
        ip: '10.0.0.1',
        vtepIps: ['44.128.0.1/20'],
        vtepMac: '70:b3:d5:80:00:01',
        networks: [
          {
            name: 'dcos',
            subnet: '9.0.0.0/24',
            subnet6: '',
            bridges: ['m-dcos 9.0.0.0/25', 'd-dcos 9.0.0.128/25'],
            status: 'failed',
            error: 'no device',
          },
        ],
      },
    ]);
  });

  it('shows the agents of a state without its network', () => {
    expect(parseState({ agents: [{ ip: '10.0.0.1' }] })).toMatchObject({
      networks: [],
      agents: [{ ip: '10.0.0.1', networks: [] }],
    });
    expect(parseState({})).toEqual(EMPTY_CLUSTER);
  });

  it('takes anything without failing', () => {
    const keys = ['network', 'agents', 'overlays', 'info', 'state', 'backend', 'vxlan', 'ip', 'name'];
    const junk = fc.object({ key: fc.constantFrom(...keys), maxDepth: 5 });
    fc.assert(
      fc.property(fc.oneof(junk, fc.jsonValue()), (value) => {
        const { networks, agents } = parseState(value);
        expect([networks, agents].every(Array.isArray)).toBe(true);
      }),
    );
  });
});
