import { describe, expect, it } from '@jest/globals';
import { parseCidr, parseIpAddress } from '@overlay/allocation';
import { isFailure, type OverlayError } from '@overlay/failure';
import { claimsOf, type NodeId, type NodeRecord } from '@overlay/model';
import fc from 'fast-check';
import { planQuarantineEnds } from './plan-agent-deletion.js';
import { planRegistration, type RegistrationRequest } from './plan-registration.js';
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

const DCOS = networkOf('dcos', ['9.0.0.0/8', 24]);
const DCOS6 = networkOf('dcos6', undefined, ['fd01:b::/64', 80]);

interface World {
  readonly connected?: readonly string[];
}

function register(state: PlannerState, request: RegistrationRequest, world: World = {}): NodeRecord {
  const { node, mutations } = planRegistration(state, request, {
    isConnected: (id) => (world.connected ?? []).includes(id),
  });
  state.apply(mutations, 0);
  return node;
}

function failureOf(act: () => unknown): OverlayError {
  try {
    act();
  } catch (thrown) {
    if (isFailure(thrown)) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

describe('planRegistration', () => {
  it('gives the second agent what DC/OS gives it', () => {
    const state = stateWith([DCOS, DCOS6]);
    register(state, requestOf('a', '10.0.0.1'));
    const second = register(state, requestOf('b', '10.0.0.2'));
    expect(second.vtepIp).toBe('44.128.0.2');
    expect(second.vtepIp6).toBe('fd01:a::2');
    expect(second.vtepMac).toBe('70:b3:d5:80:00:02');
    expect(second.networks.flatMap(({ prefixes }) => prefixes)).toEqual(['9.0.1.0/24', 'fd01:b:0:0:1::/80']);
  });

  it('changes nothing when a node registers again', () => {
    const state = stateWith([DCOS]);
    const first = register(state, requestOf('a', '10.0.0.1'));
    const again = planRegistration(state, requestOf('a', '10.0.0.1'), { isConnected: () => true });
    expect(again.mutations).toEqual([]);
    expect(again.node).toEqual(first);
  });

  it('completes a node by a network that came later', () => {
    const state = stateWith([DCOS]);
    register(state, requestOf('a', '10.0.0.1'));
    state.apply([{ op: 'create', record: { kind: 'network', network: recordOf(DCOS6) } }], 0);
    const node = register(state, requestOf('a', '10.0.0.1'));
    expect(node.networks.map(({ networkId }) => networkId)).toEqual(['id-dcos', 'id-dcos6']);
  });

  it('allocates a bridge that is switched on later and keeps one that is switched off', () => {
    const state = stateWith([DCOS]);
    const bare = register(state, requestOf('a', '10.0.0.1', { dockerBridge: false }));
    expect(bare.networks[0]).toMatchObject({ mesosBridge: true, dockerBridge: false });
    const more = register(state, requestOf('a', '10.0.0.1', { mesosBridge: false }));
    expect(more.networks[0]).toMatchObject({ mesosBridge: true, dockerBridge: true });
    expect(more.networks[0]?.prefixes).toEqual(bare.networks[0]?.prefixes);
  });

  it('gives a gateway a VTEP and no block, and a block once it wants one', () => {
    const state = stateWith([DCOS]);
    const gateway = register(state, requestOf('a', '10.0.0.1', { allocateSubnet: false }));
    expect(gateway.networks).toEqual([
      { networkId: 'id-dcos', prefixes: [], mesosBridge: false, dockerBridge: false },
    ]);
    const host = register(state, requestOf('a', '10.0.0.1'));
    expect(host.networks[0]?.prefixes).toEqual(['9.0.0.0/24']);
  });

  it('leaves a network without a free block out and the others in', () => {
    const state = stateWith([networkOf('small', ['10.9.0.0/24', 25]), DCOS]);
    register(state, requestOf('a', '10.0.0.1'));
    register(state, requestOf('b', '10.0.0.2'));
    const third = register(state, requestOf('c', '10.0.0.3'));
    expect(third.networks.map(({ networkId }) => networkId)).toEqual(['id-dcos']);
  });

  it('gives neither family of a network when one has no block left', () => {
    const state = stateWith([networkOf('both', ['10.9.0.0/24', 25], ['fd09::/64', 80])]);
    register(state, requestOf('a', '10.0.0.1'));
    register(state, requestOf('b', '10.0.0.2'));
    const third = planRegistration(state, requestOf('c', '10.0.0.3'), { isConnected: () => false });
    expect(third.node.networks).toEqual([]);
    expect(third.mutations.filter((m) => JSON.stringify(m).includes('fd09'))).toEqual([]);
  });

  it('fails without a free VTEP address', () => {
    const space = { ...DEFAULT_SPACE, vtepSubnet: parseCidr('44.128.0.0/30') };
    const state = stateWith([DCOS], space);
    register(state, requestOf('a', '10.0.0.1'));
    register(state, requestOf('b', '10.0.0.2'));
    const error = failureOf(() => register(state, requestOf('c', '10.0.0.3')));
    expect(error.code).toBe('resource_exhausted');
    expect(error.message).toContain('44.128.0.0/30');
    expect(state.records.nodes.size).toBe(2);
  });

  it('gives neither the first nor the last IPv6 VTEP address', () => {
    const space = { ...DEFAULT_SPACE, vtepSubnet6: parseCidr('fd01:a::/126') };
    const state = stateWith([DCOS], space);
    const given = ['a', 'b'].map((id, index) => register(state, requestOf(id, `10.0.0.${index + 1}`)));
    expect(given.map(({ vtepIp6 }) => vtepIp6)).toEqual(['fd01:a::1', 'fd01:a::2']);
    const error = failureOf(() => register(state, requestOf('c', '10.0.0.3')));
    expect(error).toMatchObject({ code: 'resource_exhausted' });
    expect(error.message).toContain('fd01:a::/126');
  });

  it('leaves the last IPv6 VTEP address to the node to which an earlier release gave it', () => {
    const space = { ...DEFAULT_SPACE, vtepSubnet6: parseCidr('fd01:a::/126') };
    const early = register(stateWith([], space), requestOf('a', '10.0.0.1'));
    const state = stateWith([DCOS], space);
    const node: NodeRecord = { ...early, vtepIp6: parseIpAddress('fd01:a::3') };
    state.records.put({ kind: 'node', node });
    state.finishLoading(0);
    expect(register(state, requestOf('a', '10.0.0.1')).vtepIp6).toBe('fd01:a::3');
    state.apply(planDeletionAt(state, '10.0.0.1').mutations, 0);
    state.apply(planQuarantineEnds(state, 600_000, roomOf(state)), 600_000);
    expect(register(state, requestOf('a', '10.0.0.1')).vtepIp6).toBe('fd01:a::1');
  });

  it.each(['127.0.0.1', '9.1.2.3', '44.128.0.9', '169.254.1.1', '224.0.0.1'])(
    'refuses the address %s',
    (ip) => {
      const error = failureOf(() => register(stateWith([DCOS]), requestOf('a', ip)));
      expect(error.code).toBe('invalid_argument');
      expect(error.violations[0]?.field).toBe('ip');
    },
  );

  it('refuses a node of another underlay family than the first', () => {
    const state = stateWith([DCOS]);
    register(state, requestOf('a', '10.0.0.1'));
    expect(failureOf(() => register(state, requestOf('b', '2001:db8::1'))).code).toBe('invalid_argument');
  });

  it('lets an unknown node take over the record at its address once the owner is away', () => {
    const state = stateWith([DCOS]);
    const old = register(state, requestOf('a', '10.0.0.1'));
    const refused = failureOf(() => register(state, requestOf('b', '10.0.0.1'), { connected: ['a'] }));
    expect(refused.code).toBe('already_exists');
    expect(refused.message).toContain('a');
    const taken = register(state, requestOf('b', '10.0.0.1'));
    expect(taken).toEqual({ ...old, id: 'b' });
    expect([...state.records.nodes.keys()]).toEqual(['b']);
    expect(register(state, requestOf('c', '10.0.0.3')).vtepIp).toBe('44.128.0.2');
  });

  it('refuses a clone and follows a move', () => {
    const state = stateWith([DCOS]);
    const home = register(state, requestOf('a', '10.0.0.1'));
    expect(failureOf(() => register(state, requestOf('a', '10.0.0.9'), { connected: ['a'] })).code).toBe(
      'already_exists',
    );
    const moved = register(state, requestOf('a', '10.0.0.9'));
    expect(moved).toEqual({ ...home, ip: '10.0.0.9' });
    expect(state.records.nodeByIp(home.ip)).toBeUndefined();
  });

  it('keeps the blocks of two nodes that swap their addresses', () => {
    const state = stateWith([DCOS]);
    const a = register(state, requestOf('a', '10.0.0.1'));
    const b = register(state, requestOf('b', '10.0.0.2'));
    expect(register(state, requestOf('a', '10.0.0.2'))).toEqual({ ...a, ip: '10.0.0.2' });
    expect(register(state, requestOf('b', '10.0.0.1'))).toEqual({ ...b, ip: '10.0.0.1' });
    expect(state.records.nodeByIp(a.ip)?.id).toBe('b');
  });

  it('lets no stranger take over a node that is only guessed to be at his address', () => {
    const state = stateWith([DCOS]);
    const a = register(state, requestOf('a', '10.0.0.1'));
    const b = register(state, requestOf('b', '10.0.0.2'));
    register(state, requestOf('a', b.ip));
    const c = register(state, requestOf('c', a.ip));
    expect([c.vtepIp, ...blocksOf(c)]).toEqual(['44.128.0.3', '9.0.2.0/24']);
    expect([...state.records.formerNodes.keys()]).toEqual(['b']);
    expect(register(state, requestOf('b', '10.0.0.3'))).toEqual({ ...b, ip: '10.0.0.3' });
  });

  it('takes a node for where it registered itself, also after its address was guessed', () => {
    const state = stateWith([DCOS]);
    register(state, requestOf('a', '10.0.0.1'));
    const b = register(state, requestOf('b', '10.0.0.2'));
    register(state, requestOf('a', '10.0.0.2'));
    register(state, requestOf('b', '10.0.0.1'));
    expect(register(state, requestOf('c', '10.0.0.1'))).toEqual({ ...b, id: 'c', ip: '10.0.0.1' });
  });

  it('gives a deleted node the same back within the quarantine and to nobody else', () => {
    const state = stateWith([DCOS], DEFAULT_SPACE, 1_000);
    const first = register(state, requestOf('a', '10.0.0.1'));
    const deletion = planDeletionAt(state, first.ip);
    state.apply(deletion.mutations, 0);
    state.apply(planQuarantineEnds(state, 500, roomOf(state)), 500);
    expect(register(state, requestOf('b', '10.0.0.2')).vtepIp).toBe('44.128.0.2');
    expect(register(state, requestOf('a', '10.0.0.1'))).toEqual(first);
    state.apply(planDeletionAt(state, first.ip).mutations, 500);
    state.apply(planQuarantineEnds(state, 1_499, roomOf(state)), 1_499);
    expect(register(state, requestOf('c', '10.0.0.3')).vtepIp).toBe('44.128.0.3');
    state.apply(planQuarantineEnds(state, 1_500, roomOf(state)), 1_500);
    expect(register(state, requestOf('d', '10.0.0.4')).vtepIp).toBe('44.128.0.1');
  });

  it('keeps the block of a deleted node that returns and does not want it at once', () => {
    const state = stateWith([DCOS]);
    const { networks } = register(state, requestOf('a', '10.0.0.1'));
    state.apply(planDeletionAt(state, '10.0.0.1').mutations, 0);
    const gateway = { allocateSubnet: false, mesosBridge: false, dockerBridge: false };
    expect(register(state, requestOf('a', '10.0.0.1', gateway)).networks).toEqual(networks);
    expect(blocksOf(register(state, requestOf('b', '10.0.0.2')))).toEqual(['9.0.1.0/24']);
  });

  it('keeps the block of a deleted node that returns while the network is disabled', () => {
    const state = stateWith([DCOS]);
    const { networks } = register(state, requestOf('a', '10.0.0.1'));
    state.apply(planDeletionAt(state, '10.0.0.1').mutations, 0);
    const enable = (enabled: boolean) =>
      state.apply([{ op: 'put', record: { kind: 'network', network: recordOf({ ...DCOS, enabled }) } }], 0);
    enable(false);
    expect(register(state, requestOf('a', '10.0.0.1')).networks).toEqual(networks);
    enable(true);
    expect(blocksOf(register(state, requestOf('b', '10.0.0.2')))).toEqual(['9.0.1.0/24']);
  });

  it('gives a deleted node its own back at the address of another that is away, whose is kept for it', () => {
    const state = stateWith([DCOS]);
    const a = register(state, requestOf('a', '10.0.0.1'));
    const b = register(state, requestOf('b', '10.0.0.2'));
    state.apply(planDeletionAt(state, a.ip).mutations, 0);
    expect(register(state, requestOf('a', '10.0.0.2'))).toEqual({ ...a, ip: '10.0.0.2' });
    expect([...state.records.nodes.keys()]).toEqual(['a']);
    expect(blocksOf(register(state, requestOf('c', '10.0.0.3')))).toEqual(['9.0.2.0/24']);
    expect(register(state, requestOf('b', '10.0.0.4'))).toEqual({ ...b, ip: '10.0.0.4' });
    expect(state.records.formerNodes.size).toBe(0);
  });
});

const blocksOf = ({ networks }: NodeRecord) => networks.flatMap(({ prefixes }) => prefixes);

type Step =
  | { readonly kind: 'join'; readonly id: number; readonly ip: number; readonly gateway: boolean }
  | { readonly kind: 'delete'; readonly ip: number }
  | { readonly kind: 'restart' }
  | { readonly kind: 'wait'; readonly ms: number };

const steps = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({
      kind: fc.constant('join' as const),
      id: fc.integer({ min: 0, max: 11 }),
      ip: fc.integer({ min: 1, max: 12 }),
      gateway: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('delete' as const), ip: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ kind: fc.constant('restart' as const) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 900 }) }),
  ),
  { maxLength: 60 },
);

/** What a master finds in the log after a restart. */
function recovered(state: PlannerState, nowMs: number): PlannerState {
  const again = stateWith([], state.records.addressSpace, 1_000);
  for (const network of state.records.networks.values()) again.records.put({ kind: 'network', network });
  for (const node of state.records.nodes.values()) again.records.put({ kind: 'node', node });
  for (const node of state.records.formerNodes.values()) again.records.put({ kind: 'former-node', node });
  again.finishLoading(nowMs);
  return again;
}

describe('registration under random joins, restarts and deletions', () => {
  it('never gives a value to two nodes, and each claim once', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const claimed = new Set<string>();
        let state = stateWith([networkOf('four', ['10.9.0.0/24', 27]), DCOS6], DEFAULT_SPACE, 1_000);
        let nowMs = 0;
        for (const step of script) {
          if (step.kind === 'wait') nowMs += step.ms;
          if (step.kind === 'restart') state = recovered(state, nowMs);
          if (step.kind === 'join' || step.kind === 'delete') {
            for (const plan of [planQuarantineEnds, planned]) {
              const mutations =
                plan === planned ? planned(state, step) : planQuarantineEnds(state, nowMs, roomOf(state));
              for (const mutation of mutations) track(claimed, mutation);
              state.apply(mutations, nowMs);
            }
          }
          const held = [...claimsIn(state)].map(({ resource, value }) => `${resource} ${value}`);
          expect(new Set(held).size).toBe(held.length);
          expect(new Set(held)).toEqual(claimed);
          const macs = [...state.records.nodes.values(), ...state.records.formerNodes.values()].map(
            ({ vtepMac }) => vtepMac,
          );
          expect(new Set(macs).size).toBe(macs.length);
        }
      }),
      { numRuns: 150 },
    );
  });
});

/** Every claim that the records say there is: a former node has none on its underlay address. */
function* claimsIn(state: PlannerState) {
  for (const node of state.records.nodes.values()) yield* claimsOf(node);
  for (const node of state.records.formerNodes.values()) {
    yield* claimsOf(node, 'former-node');
  }
}

function planned(state: PlannerState, step: Step & { kind: 'join' | 'delete' }) {
  const ip = `10.0.0.${step.ip}`;
  if (step.kind === 'delete') {
    return planDeletionAt(state, ip).mutations;
  }
  const request = requestOf(`n${step.id}` as NodeId, ip, { allocateSubnet: !step.gateway });
  return planRegistration(state, request, { isConnected: () => false }).mutations;
}

/** Plays a store that refuses to create a claim twice. */
function track(claimed: Set<string>, mutation: ReturnType<typeof planned>[number]): void {
  if (mutation.op === 'delete') {
    if (mutation.ref.kind === 'claim') claimed.delete(`${mutation.ref.resource} ${mutation.ref.value}`);
    return;
  }
  if (mutation.record.kind !== 'claim') return;
  const key = `${mutation.record.claim.resource} ${mutation.record.claim.value}`;
  if (mutation.op === 'create') expect(claimed).not.toContain(key);
  claimed.add(key);
}
