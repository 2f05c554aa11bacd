import { describe, expect, it } from '@jest/globals';
import { isFailure } from '@overlay/failure';
import type { LogRecord, Mutation } from '@overlay/model';
import { refOf } from '@overlay/model';
import { keyOf, verifyLog } from '@overlay/overlay-log';
import fc from 'fast-check';
import { planQuarantineEnds } from './plan-agent-deletion.js';
import { planRegistration } from './plan-registration.js';
import type { PlannerState } from './planner-state.js';
import {
  DEFAULT_SPACE,
  networkOf,
  planDeletionAt,
  recordOf,
  requestOf,
  roomOf,
  stateWith,
} from './testing.js';

const NETWORKS = [
  networkOf('dcos', ['9.0.0.0/24', 27]),
  networkOf('both', ['9.1.0.0/24', 28], ['fd01:b::/64', 80]),
];
const QUARANTINE_MS = 100;

type Step =
  | { readonly act: 'register'; readonly node: number; readonly ip: number; readonly allocateSubnet: boolean }
  | { readonly act: 'delete'; readonly ip: number }
  | { readonly act: 'wait' };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        act: fc.constant('register' as const),
        node: fc.nat(7),
        ip: fc.nat(7),
        allocateSubnet: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('delete' as const), ip: fc.nat(7) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('wait' as const) }) },
  ),
  { maxLength: 40 },
);

function planStep(state: PlannerState, step: Step, nowMs: number): readonly Mutation[] {
  switch (step.act) {
    case 'register': {
      const request = requestOf(`node-${step.node}`, `10.0.0.${step.ip}`, {
        allocateSubnet: step.allocateSubnet,
      });
      return planRegistration(state, request, { isConnected: () => false }).mutations;
    }
    case 'delete':
      return planDeletionAt(state, `10.0.0.${step.ip}`).mutations;
    case 'wait':
      return planQuarantineEnds(state, nowMs, roomOf(state));
  }
}

/** What the log holds after the steps; fails where a `create` meets an entry, as the log does. */
function logAfter(life: readonly Step[]): readonly LogRecord[] {
  const state = stateWith(NETWORKS, DEFAULT_SPACE, QUARANTINE_MS);
  const log = new Map<string, LogRecord>();
  const put = (record: LogRecord) => log.set(keyOf(refOf(record)), record);
  put({ kind: 'address-space', addressSpace: DEFAULT_SPACE });
  for (const network of NETWORKS) put({ kind: 'network', network: recordOf(network) });
  let nowMs = 0;
  for (const step of life) {
    nowMs += step.act === 'wait' ? QUARANTINE_MS : 1;
    const mutations = plannedOrRefused(() => planStep(state, step, nowMs));
    state.apply(mutations, nowMs);
    for (const mutation of mutations) {
      const key = keyOf(mutation.op === 'delete' ? mutation.ref : refOf(mutation.record));
      if (mutation.op === 'create' && log.has(key)) throw new Error(`${key} is there already`);
      if (mutation.op === 'delete') log.delete(key);
      else log.set(key, mutation.record);
    }
  }
  return [...log.values()];
}

/** A cluster that is full refuses newcomers and goes on. */
function plannedOrRefused(plan: () => readonly Mutation[]): readonly Mutation[] {
  try {
    return plan();
  } catch (thrown) {
    if (isFailure(thrown, 'resource_exhausted')) return [];
    throw thrown;
  }
}

describe('what the planners write', () => {
  it('keeps every rule of the log, whatever agents do', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (life) => {
        expect(await verifyLog([logAfter(life)])).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('leaves no claim behind when a deleted node returns at the address of another that is away', async () => {
    const register = (node: number, ip: number): Step => ({
      act: 'register',
      node,
      ip,
      allocateSubnet: true,
    });
    const life: readonly Step[] = [register(1, 1), register(2, 2), { act: 'delete', ip: 1 }, register(1, 2)];
    expect(await verifyLog([logAfter(life)])).toEqual([]);
  });
});
