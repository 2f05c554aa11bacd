import { describe, expect, it } from '@jest/globals';
import { misbuiltPart, type VxlanJson, vxlanFaults } from './vxlan-faults.js';

/** As `ip` of iproute2 6.1 prints the device that we make. */
const OURS: VxlanJson = {
  id: 1024,
  local: '10.0.0.1',
  port_range: { low: 0, high: 0 },
  port: 64000,
  learning: false,
  ttl: 0,
  df: 'unset',
  ageing: 300,
  udp_csum: true,
  udp_zero_csum6_tx: false,
  udp_zero_csum6_rx: false,
};

describe('attributes of the VXLAN device', () => {
  it.each([
    [{ ttl: 5 }, 'ttl'],
    [{ tos: '0x1' }, 'tos'],
    [{ df: 'set' }, 'df'],
    [{ label: '0x9' }, 'flow-label'],
    [{ remote: '10.0.0.9' }, 'default-remote'],
    [{ group6: 'ff05::1' }, 'default-remote'],
  ])('knows %j, which can be changed in place', (data, fault) => {
    expect(vxlanFaults({ ...OURS, ...data })).toEqual([fault]);
    expect(misbuiltPart({ ...OURS, ...data })).toBe('');
  });

  it.each([
    [{ proxy: true, l2miss: true }, 'proxy l2miss'],
    [{ external: true }, 'external'],
    [{ udp_csum: false }, 'noudpcsum'],
    [{ udp_zero_csum6_rx: true }, 'udp_zero_csum6_rx'],
    [{ limit: 7 }, 'maxaddress 7'],
    [{ port_range: { low: 1000, high: 2000 } }, 'srcport 1000 2000'],
    [{ link: 'eth0' }, 'dev eth0'],
  ])('knows %j, which takes a new device', (data, words) => {
    expect(misbuiltPart({ ...OURS, ...data })).toBe(words);
    expect(vxlanFaults({ ...OURS, ...data })).toEqual([]);
  });

  it('finds nothing wrong with ours, whatever tool lists it', () => {
    for (const data of [OURS, { id: 1024, port: 64000, local6: 'fd00::1', udp_csum: false }])
      expect([vxlanFaults(data), misbuiltPart(data)]).toEqual([[], '']);
  });
});
