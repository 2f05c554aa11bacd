import { describe, expect, it } from '@jest/globals';
import type { NodeId } from '@overlay/model';
import fc from 'fast-check';
import { planQuarantineEnds } from './plan-agent-deletion.js';
import { planRegistration } from './plan-registration.js';
import { networkOf, planDeletionAt, recordOf, requestOf, roomOf, stateWith } from './testing.js';

const QUARANTINE_MS = 1_000;
const SMALL = networkOf('small', ['10.9.0.0/24', 25]);
const BOTH = networkOf('both', ['10.8.0.0/22', 24], ['fd09::/64', 65]);
const LARGE = networkOf('large', ['9.0.0.0/8', 26], ['fd0a::/32', 96]);

describe('BlockCounts', () => {
  it('tells what the pools tell, whatever comes, goes, returns, or takes a record over', () => {
    const host = fc.constantFrom(1, 2, 3, 4, 5);
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('register' as const),
        id: host,
        ip: host,
        allocateSubnet: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('delete' as const), ip: host }),
      fc.record({ kind: fc.constant('wait' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const networks = [SMALL, BOTH, LARGE];
        const state = stateWith(networks, undefined, QUARANTINE_MS);
        let nowMs = 0;
        for (const each of steps) {
          switch (each.kind) {
            case 'register': {
              const { allocateSubnet } = each;
              const request = requestOf(`n${each.id}`, `10.0.0.${each.ip}`, { allocateSubnet });
              const { node, mutations } = planRegistration(state, request, { isConnected: () => false });
              state.apply(mutations, nowMs);
              expect(state.records.hasMoreFor(node)).toBe(false);
              break;
            }
            case 'delete':
              state.apply(planDeletionAt(state, `10.0.0.${each.ip}`).mutations, nowMs);
              break;
            case 'wait':
              nowMs += QUARANTINE_MS;
              state.apply(planQuarantineEnds(state, nowMs, roomOf(state)), nowMs);
          }
          for (const network of networks.map(recordOf)) {
            const free = state.pools.freeBlocks(network.id, 'stranger' as NodeId);
            expect(state.records.isExhausted(network)).toBe(free === undefined);
          }
        }
      }),
    );
  });
});
