import { describe, expect, it } from '@jest/globals';
import { AllocationHalf, Capacity } from '@overlay/contracts';
import { renderCapacities, renderCapacityChange } from './render-capacities.js';

const ROW = Capacity.fromPartial({
  agentIp: '10.0.0.7',
  network: 'dcos',
  half: AllocationHalf.CNI,
  family: 4,
  total: 30n,
  used: 28n,
  free: 2n,
  largestBurst: 2n,
});
const AT = new Date('2026-01-02T03:04:05Z');

describe('renderCapacities', () => {
  it('shows what is left and how many containers can start at once', () => {
    expect(renderCapacities([ROW])).toMatch(/10\.0\.0\.7 +dcos +cni +IPv4 +2 +28 +0 +0 +30 +2/);
    expect(renderCapacities([{ ...ROW, silent: true }])).toContain('10.0.0.7 (silent)');
    expect(renderCapacities([])).toBe('no agent reports addresses');
  });
});

describe('renderCapacityChange', () => {
  it('is one line a row', () => {
    const start = '2026-01-02T03:04:05.000Z 10.0.0.7 dcos cni IPv4';
    expect(renderCapacityChange(ROW, AT)).toBe(`${start}: 2 free, 0 cooling, 28 used of 30`);
    expect(renderCapacityChange({ ...ROW, free: 0n, cooling: 2n }, AT)).toBe(
      `${start}: 0 free, 2 cooling, 28 used of 30`,
    );
    expect(renderCapacityChange({ ...ROW, free: 0n, used: 30n, exhaustedSinceMs: 1n }, AT)).toBe(
      `${start}: 0 free, 0 cooling, 30 used of 30, exhausted`,
    );
    expect(renderCapacityChange({ ...ROW, total: 0n, free: 0n, used: 0n }, AT)).toBe(`${start}: gone`);
  });
});
