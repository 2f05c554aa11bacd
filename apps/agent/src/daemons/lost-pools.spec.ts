import { describe, expect, it } from '@jest/globals';
import { AllocationHalf, Capacity, type Pool } from '@overlay/contracts';
import { agentConfiguration } from '@overlay/model';
import { exampleNetwork, exampleRegistration } from '../configuration/example-registration.js';
import { planPools } from '../configuration/plan-pools.js';
import { lostPools, planGivenPools } from './lost-pools.js';

const { network: settings } = agentConfiguration.parse({ ip: '10.0.0.1' });
const [A, B] = [exampleNetwork('a', 1), exampleNetwork('b', 2)];
const pools = planPools([A, B], settings);

const rows = (some: readonly Pool[]) =>
  some.map(({ network, half }) => Capacity.create({ network, half, family: 4 }));

describe('planGivenPools', () => {
  it('are those of the networks that are configured', () => {
    const registration = exampleRegistration([A, B]);
    const progress = new Map([
      ['id-a', { kind: 'configured' } as const],
      ['id-b', { kind: 'failed', error: 'no device' } as const],
    ]);
    expect(planGivenPools(registration, progress, settings)).toEqual(pools.slice(0, 1));
    expect(planGivenPools(undefined, progress, settings)).toEqual([]);
  });
});

describe('lostPools', () => {
  const given = { before: pools, after: pools };

  it('are those without a row of their half', () => {
    expect(lostPools(given, rows(pools))).toEqual([]);
    expect(lostPools(given, rows(pools.slice(1)))).toEqual(['a']);
    const docker = rows(pools).map((row) => ({ ...row, half: AllocationHalf.DOCKER }));
    expect(lostPools(given, docker)).toEqual(['a', 'b']);
  });

  it('are none that came or went while overlay-ipam was asked', () => {
    expect(lostPools({ ...given, before: [] }, [])).toEqual([]);
    expect(lostPools({ ...given, after: [] }, [])).toEqual([]);
  });
});
