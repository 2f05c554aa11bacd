import { describe, expect, it } from '@jest/globals';
import { parseInterfaceAddress } from '@overlay/allocation';
import { BRIDGE, VTEP } from '../contract-objects.js';
import type { Address } from '../kernel-object.js';
import { markCutOff } from './connected-routes.js';

const on = (device: string, text: string): Address => ({
  kind: 'address',
  device,
  address: parseInterfaceAddress(text),
});
const ROUTES = [
  { dst: '44.128.0.0/20', dev: 'vtep1024' },
  { dst: 'fd01:a::/64', dev: 'eth0' },
  { dst: '9.0.1.0/25' },
];

describe('markCutOff', () => {
  it('marks addresses of ours that lack the route of their prefix on their device', () => {
    const objects = [
      VTEP,
      on('vtep1024', '44.128.0.2/20'),
      on('vtep1024', 'fd01:a::2/64'),
      BRIDGE,
      on('m-dcos', '9.0.1.1/25'),
    ];
    expect(markCutOff(objects, ROUTES)).toEqual([
      VTEP,
      objects[1],
      { ...objects[2], cutOff: true },
      BRIDGE,
      { ...objects[4], cutOff: true },
    ]);
  });

  it('marks none that needs no route, and none of a device that is down, whose routes come back with it', () => {
    const objects = [
      VTEP,
      on('vtep1024', '44.128.0.2/32'),
      on('vtep1024', 'fd01:a::2/128'),
      { ...BRIDGE, up: false },
      on('m-dcos', '9.0.1.1/25'),
    ];
    expect(markCutOff(objects, [])).toEqual(objects);
  });
});
