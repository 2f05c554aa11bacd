import { describe, expect, it } from '@jest/globals';
import { AllocationHalf, NetworkStatus } from '@overlay/contracts';
import type { HostStatus } from '../host-status.js';
import { hostStatusJson } from '../json/host-status-json.js';
import { sampleAgent } from '../sample-cluster.js';
import { renderHostStatus } from './render-host-status.js';

const STATUS: HostStatus = {
  agent: {
    kind: 'answered',
    answer: {
      assignment: sampleAgent(1, NetworkStatus.OK).assignment,
      configurationAttempts: 2,
      connected: false,
    },
  },
  dataplane: {
    kind: 'answered',
    answer: {
      configured: true,
      warnings: ['routes name their gateways themselves'],
      networks: [{ networkId: 'n1', network: 'dcos', state: { status: NetworkStatus.OK, error: '' } }],
      objects: [{ kind: 'route', desired: 3n, present: 2n, failed: 1n }],
      failures: [{ kind: 'route', object: '9.0.2.0/24', error: 'EINVAL', networkId: 'n1' }],
      peers: 2n,
      appliedRevision: 7n,
    },
  },
  ipam: {
    kind: 'answered',
    answer: {
      capacities: [
        {
          network: 'dcos6',
          half: AllocationHalf.CNI,
          family: 6,
          total: 2n ** 64n - 1n,
          used: 1n,
          reserved: 0n,
          cooling: 0n,
          free: 2n ** 64n - 2n,
          exhaustedSinceMs: 0n,
          agentIp: '',
          largestBurst: 5n,
          silent: false,
        },
      ],
    },
  },
};

describe('renderHostStatus', () => {
  it('shows the three processes', () => {
    const text = renderHostStatus(STATUS);
    expect(text).toContain('master      not connected');
    expect(text).toContain('route  3        2        1');
    expect(text).toContain('route  9.0.2.0/24  EINVAL');
    expect(text).toContain('18446744073709551614');
    expect(text).toContain('warning: routes name their gateways themselves');
  });

  it('shows a process that gave no answer beside those that did', () => {
    const text = renderHostStatus({ ...STATUS, dataplane: { kind: 'silent', reason: 'down' } });
    expect(text).toContain('overlay-dataplane\nno answer');
    expect(text).toContain('overlay-agent\nip');
  });
});

describe('hostStatusJson', () => {
  it('keeps counts exact and tells why a process said nothing', () => {
    const json = hostStatusJson({ ...STATUS, agent: { kind: 'silent', reason: 'cannot reach it' } });
    expect(json.agent).toEqual({ error: 'cannot reach it' });
    expect(json.ipam).toMatchObject({ capacities: [{ total: '18446744073709551615', half: 'cni' }] });
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
  });
});
