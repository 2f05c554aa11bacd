import { describe, expect, it } from '@jest/globals';
import type { KernelEvent } from '../kernel/kernel-watch.js';
import { DeltaTracker } from './delta-tracker.js';
import { ALL_KINDS, planCheck } from './plan-check.js';

const kinds = (event: KernelEvent, underlay?: string) => [
  ...planCheck(event, new DeltaTracker(), { vtep: 'vtep1024', underlay }),
];
const device = (kind: 'link' | 'address' | 'sysctl', name: string): KernelEvent => ({
  type: 'device',
  kind,
  device: name,
});

describe('planCheck', () => {
  it('looks at everything after a change of the tunnel, and at a bridge with what hangs on it', () => {
    expect(kinds(device('link', 'vtep1024'))).toEqual([...ALL_KINDS]);
    expect(kinds(device('link', 'm-dcos'))).toEqual(['link', 'address', 'sysctl', 'port']);
  });

  it('follows the underlay device, and looks for it where there is none', () => {
    expect(kinds(device('link', 'eth0'), 'eth0')).toEqual(['link']);
    expect(kinds(device('address', 'eth1'), 'eth0')).toEqual([]);
    expect(kinds(device('address', 'eth1'))).toEqual(['link']);
    expect(kinds(device('link', 'eth1'))).toEqual([]);
  });

  it('reads Docker’s chain and ports by themselves', () => {
    expect(kinds({ type: 'docker' })).toEqual(['docker-accept']);
    expect(kinds({ type: 'port' })).toEqual(['port']);
    expect(kinds({ type: 'nftables' })).toEqual(['nftables']);
  });
});
