import { describe, expect, it } from '@jest/globals';
import { parseCidr, parseInterfaceAddress, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { BRIDGE } from '../kernel/contract-objects.js';
import type { KernelEntry, KernelEvent, LinkChange } from '../kernel/kernel-watch.js';
import { DeltaTracker } from './delta-tracker.js';
import { ALL_KINDS, type CheckStep, planCheck } from './plan-check.js';

const ROUTE = {
  kind: 'route',
  table: 254,
  prefix: parseCidr('9.0.1.0/26'),
  target: { type: 'nexthop', id: 7 },
} as const;
const NEIGHBOUR = {
  kind: 'neighbour',
  device: 'vtep1024',
  address: parseIpAddress('44.128.0.2'),
  mac: parseMacAddress('70:b3:d5:80:00:02'),
} as const;
const NEXTHOP = {
  kind: 'nexthop',
  device: 'vtep1024',
  gateway: parseIpAddress('44.128.0.2'),
  id: 7,
} as const;
const ADDRESS = {
  kind: 'address',
  device: 'vtep1024',
  address: parseInterfaceAddress('44.128.0.1/20'),
} as const;

const FDB = {
  kind: 'fdb',
  device: 'vtep1024',
  mac: NEIGHBOUR.mac,
  underlay: parseIpAddress('10.0.0.2'),
} as const;

/** Everything above is wanted and there. */
function tracker(): DeltaTracker {
  const made = new DeltaTracker();
  const objects = [ROUTE, NEIGHBOUR, NEXTHOP, ADDRESS, FDB];
  made.restart(objects);
  for (const object of objects) made.want(object);
  return made;
}

const plan = (event: KernelEvent, underlay?: string): CheckStep => {
  const step = planCheck(event, tracker(), { vtep: 'vtep1024', underlay });
  return step.step === 'kinds' ? { ...step, kinds: [...step.kinds] } : step;
};
const link = (device: string, change: LinkChange = 'up'): KernelEvent => ({ type: 'link', device, change });
const address = (device: string, text: string, gone = false): KernelEvent => ({
  type: 'address',
  device,
  address: parseInterfaceAddress(text),
  gone,
});
const entry = (object: KernelEntry, gone: boolean, marked = true): KernelEvent => ({
  type: 'entry',
  object,
  gone,
  marked,
});
const kinds = (...names: readonly string[]) => ({ step: 'kinds', kinds: names });

describe('planCheck', () => {
  it('looks at everything when the tunnel went or was down, and else at the device alone', () => {
    expect(plan(link('vtep1024', 'gone'))).toEqual(kinds(...ALL_KINDS));
    expect(plan(link('vtep1024', 'down'))).toEqual(kinds(...ALL_KINDS));
    for (const change of ['new', 'up'] as const)
      expect(plan(link('vtep1024', change))).toEqual({ step: 'devices', devices: ['vtep1024'] });
  });

  it('looks at what hung on a bridge that went, and else at the bridge alone', () => {
    expect(plan(link('m-dcos', 'gone'))).toEqual(kinds('link', 'address', 'sysctl', 'port'));
    expect(plan(link('m-dcos', 'down'))).toEqual({ step: 'devices', devices: ['m-dcos'] });
  });

  it('looks for a device of ours under the name that somebody gave it', () => {
    const wanting = tracker();
    wanting.want(BRIDGE);
    const tell = (device: string, change: LinkChange, mac = BRIDGE.mac) => {
      const event = { type: 'link', device, change, mac } as const;
      return planCheck(event, wanting, { vtep: 'vtep1024', underlay: 'eth0' });
    };
    for (const name of ['strange', 'm-other'])
      expect(tell(name, 'up')).toMatchObject({
        step: 'kinds',
        kinds: expect.arrayContaining(['link', 'port']),
      });
    expect(tell('strange', 'gone')).toEqual({ step: 'none' });
    expect(tell('strange', 'up', NEIGHBOUR.mac)).toEqual({ step: 'none' });
    expect(tell('m-dcos', 'up')).toEqual({ step: 'devices', devices: ['m-dcos'] });
  });

  it('looks at a port and its bridge alone', () => {
    expect(plan({ type: 'port', device: 'veth1', bridge: 'm-dcos' })).toEqual({
      step: 'devices',
      devices: ['veth1', 'm-dcos'],
    });
  });

  it('follows the underlay device, and looks for it where there is none', () => {
    expect(plan(link('eth0'), 'eth0')).toEqual(kinds('link'));
    expect(plan(address('eth1', '10.0.0.1/24'), 'eth0')).toEqual({ step: 'none' });
    expect(plan(address('eth1', '10.0.0.1/24'))).toEqual(kinds('link'));
    expect(plan(link('eth1'))).toEqual({ step: 'none' });
  });

  it('passes over addresses of its own making, and looks for what goes with a lost one', () => {
    expect(plan(address('vtep1024', '44.128.0.1/20'), 'eth0')).toEqual({ step: 'none' });
    expect(plan(address('vtep1024', '44.128.0.9/20', true), 'eth0')).toEqual({ step: 'none' });
    expect(plan(address('vtep1024', '44.128.0.9/20'), 'eth0')).toMatchObject({ step: 'devices' });
    const unnamed = { type: 'address', device: 'vtep1024' } as const;
    expect(plan({ ...unnamed, gone: true }, 'eth0')).toEqual({ step: 'devices', devices: ['vtep1024'] });
    expect(plan({ ...unnamed, gone: false }, 'eth0')).toEqual({ step: 'none' });
    expect(plan(address('vtep1024', '44.128.0.1/20', true), 'eth0')).toEqual(
      kinds('address', 'nexthop', 'route'),
    );
  });

  it('believes what is told of a lost or stray entry, and reads where that does not tell all', () => {
    expect(plan(entry(ROUTE, true))).toMatchObject({ step: 'entry', report: { gone: true } });
    const stray = { ...ROUTE, prefix: parseCidr('9.0.9.0/26') };
    expect(plan(entry(stray, false))).toMatchObject({ step: 'entry', report: { gone: false } });
    expect(plan(entry(stray, false, false))).toEqual({ step: 'none' });
    expect(plan(entry(ROUTE, false))).toMatchObject({ step: 'settled' });
    expect(plan(entry(ROUTE, false, false))).toEqual(kinds('route'));
    expect(plan(entry({ ...ROUTE, target: { type: 'nexthop', id: 8 } }, false))).toEqual(kinds('route'));
    expect(plan(entry({ ...ROUTE, target: { type: 'nexthop', id: 8 } }, true))).toEqual({ step: 'none' });
    expect(plan(entry({ ...ROUTE, target: { type: 'other', text: '' } }, true, false))).toEqual(
      kinds('route'),
    );
    expect(plan(entry({ ...NEXTHOP, id: 8 }, false))).toMatchObject({ step: 'entry' });
    expect(plan(entry({ ...NEIGHBOUR, mac: parseMacAddress('02:00:00:00:00:01') }, true))).toMatchObject({
      step: 'entry',
    });
    expect(plan(entry({ ...NEIGHBOUR, device: 'eth0' }, false))).toEqual({ step: 'none' });
    expect(plan({ type: 'nexthop-id', id: 7 })).toEqual(kinds('nexthop', 'route'));
  });

  it('knows a forwarding entry that is no longer permanent, which is told like a neighbour', () => {
    const told = { ...NEIGHBOUR, address: FDB.underlay };
    expect(plan(entry(told, true))).toMatchObject({
      step: 'entry',
      key: `fdb vtep1024 ${FDB.mac}`,
      report: { object: FDB, gone: true },
    });
    expect(plan(entry({ ...told, address: parseIpAddress('10.0.0.9') }, true))).toEqual(kinds('fdb'));
    const others = { ...told, mac: parseMacAddress('02:00:00:00:00:01') };
    expect(plan(entry(others, true))).toMatchObject({ step: 'settled' });
  });

  it('looks at addresses when the kernel’s own route into the prefix of one goes', () => {
    const connected = {
      ...ROUTE,
      prefix: parseCidr('44.128.0.0/20'),
      target: { type: 'other', text: 'dev vtep1024 proto 2' },
    } as const;
    expect(plan(entry(connected, true, false))).toEqual(kinds('address'));
    expect(plan(entry(connected, false, false))).toEqual({ step: 'none' });
    expect(plan(entry({ ...connected, table: 42 }, true, false))).toMatchObject({ step: 'settled' });
    const others = { ...connected, prefix: parseCidr('44.128.0.0/21') };
    expect(plan(entry(others, true, false))).toMatchObject({ step: 'settled' });
  });

  it('tries again when something goes from the place of what is missing', () => {
    const lacking = tracker();
    lacking.observe('route 254 9.0.1.0/26', undefined);
    expect(planCheck(entry(ROUTE, true, false), lacking, { vtep: 'vtep1024', underlay: 'eth0' })).toEqual({
      step: 'retry',
      key: 'route 254 9.0.1.0/26',
    });
  });

  it('reads Docker’s chain and our tables by themselves', () => {
    expect(plan({ type: 'docker' })).toEqual(kinds('docker-accept'));
    expect(plan({ type: 'nftables' })).toEqual(kinds('nftables'));
    expect(plan({ type: 'sysctl', device: 'all' })).toEqual(kinds('sysctl'));
    expect(plan({ type: 'sysctl', device: 'veth1' })).toEqual({ step: 'none' });
  });
});
