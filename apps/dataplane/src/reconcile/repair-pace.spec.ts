import { describe, expect, it } from '@jest/globals';
import type { KernelObject } from '../kernel/kernel-object.js';
import { ALL_KINDS } from './plan-check.js';
import { RepairPace } from './repair-pace.js';

const TABLE: KernelObject = { kind: 'nftables', family: 'inet', name: 'overlay', content: '' };
const OTHER: KernelObject = { ...TABLE, name: 'overlay_admission' };
const SETTING: KernelObject = { kind: 'sysctl', key: 'net/ipv4/conf/vtep1024/rp_filter', value: '2' };
const look = (kind: KernelObject['kind']) => ({ step: 'kinds', kinds: [kind] }) as const;

describe('RepairPace', () => {
  it('doubles the wait of what finds an object that needs repair again, and of nothing else', () => {
    const pace = new RepairPace(50);
    const waits = [0, 1_000, 2_000, 3_000].map((nowMs) => {
      pace.note([SETTING], nowMs);
      return pace.waitMs(look('sysctl'), nowMs);
    });
    expect(waits).toEqual([50, 100, 200, 400]);
    const wait = (...devices: string[]) => pace.waitMs({ step: 'devices', devices }, 3_000);
    expect([wait('m-dcos', 'vtep1024'), wait('m-dcos'), pace.waitMs(look('nftables'), 3_000)]).toEqual([
      400, 50, 50,
    ]);
    expect(pace.waitMs({ step: 'kinds', kinds: ALL_KINDS }, 3_000)).toBe(400);
  });

  it('waits 5 s at most, and not at all after a calm, whatever else is repaired meanwhile', () => {
    const pace = new RepairPace(50);
    for (let nowMs = 0; nowMs <= 10_000; nowMs += 1_000) pace.note([TABLE], nowMs);
    expect(pace.waitMs(look('nftables'), 10_000)).toBe(5_000);
    pace.note([SETTING], 20_000);
    pace.note([OTHER], 25_000);
    expect(pace.waitMs(look('nftables'), 25_000)).toBe(5_000);
    expect(pace.waitMs(look('nftables'), 25_001)).toBe(50);
    pace.note([TABLE], 25_002);
    expect(pace.waitMs(look('nftables'), 25_002)).toBe(50);
  });
});
