import { describe, expect, it } from '@jest/globals';
import { isFailure, type OverlayError } from '@overlay/failure';
import type { Mutation, NetworkId, NetworkName, NodeId } from '@overlay/model';
import { planNetworkCreation, planNetworkDeletion, planNetworkUpdate } from './plan-network.js';
import { planFinishedDeletions, planRemovedNetworks } from './plan-network-removal.js';
import { planRegistration } from './plan-registration.js';
import type { PlannerState } from './planner-state.js';
import { networkOf, planDeletionAt, requestOf, roomOf, stateWith } from './testing.js';

const DCOS = networkOf('dcos', ['9.0.0.0/8', 24]);
const WEB = networkOf('web', ['10.8.0.0/16', 26], ['fd08::/64', 80]);
const WEB_NAME = 'web' as NetworkName;

function applied<T extends { readonly mutations: readonly Mutation[] }>(state: PlannerState, plan: T): T {
  state.apply(plan.mutations, 0);
  return plan;
}

const create = (state: PlannerState, definition = WEB, id = 'new') =>
  applied(
    state,
    planNetworkCreation(state, definition, () => id as NetworkId),
  ).network;

const join = (state: PlannerState, id: string, ip: string) =>
  applied(state, planRegistration(state, requestOf(id, ip), { isConnected: () => false })).node;

const remove = (state: PlannerState, attached = 0, force = false) =>
  applied(state, planNetworkDeletion(state, { name: WEB_NAME, force, attached }));

function failureOf(act: () => unknown): OverlayError {
  try {
    act();
  } catch (thrown) {
    if (isFailure(thrown)) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

describe('creating a network', () => {
  it('is idempotent, and every node gets a block at its next registration', () => {
    const state = stateWith([DCOS]);
    join(state, 'a', '10.0.0.1');
    const network = create(state);
    expect(planNetworkCreation(state, WEB, () => 'other' as NetworkId)).toEqual({ network, mutations: [] });
    expect(join(state, 'a', '10.0.0.1').networks[1]?.prefixes).toEqual(['10.8.0.0/26', 'fd08::/80']);
  });

  it('refuses a taken name, and an overlap naming the field', () => {
    const state = stateWith([DCOS]);
    create(state);
    expect(failureOf(() => create(state, networkOf('web', ['10.9.0.0/16', 26]))).code).toBe('already_exists');
    const overlap = failureOf(() => create(state, networkOf('more', ['10.8.1.0/24', 28])));
    expect(overlap.code).toBe('invalid_argument');
    expect(overlap.violations[0]?.field).toBe('spec.subnet');
  });
});

describe('a network over the underlay', () => {
  it('is refused, for no agent inside it could register again', () => {
    const state = stateWith([DCOS]);
    join(state, 'a', '10.0.0.1');
    const refused = failureOf(() => create(state, networkOf('under', ['10.0.0.0/16', 24])));
    expect(refused.code).toBe('invalid_argument');
    expect(refused.violations[0]).toMatchObject({ field: 'spec.subnet' });
    expect(refused.message).toContain('10.0.0.1');
  });
});

describe('changing a network', () => {
  it('takes enabled and isolated, and nothing else', () => {
    const state = stateWith([DCOS]);
    const changed = applied(state, planNetworkUpdate(state, { ...DCOS, enabled: false }));
    expect(changed.network).toMatchObject({ origin: 'runtime', definition: { enabled: false } });
    expect(planNetworkUpdate(state, { ...DCOS, enabled: false }).mutations).toEqual([]);
    const other = networkOf('dcos', ['9.0.0.0/8', 25]);
    expect(failureOf(() => planNetworkUpdate(state, other)).code).toBe('failed_precondition');
    expect(failureOf(() => planNetworkUpdate(state, WEB))).toMatchObject({
      code: 'not_found',
      message: 'there is no network "web"; there are: dcos',
    });
  });
});

describe('deleting a network', () => {
  it('is refused while containers are attached, unless forced', () => {
    const state = stateWith([DCOS]);
    create(state);
    const refused = failureOf(() => remove(state, 2));
    expect(refused.code).toBe('failed_precondition');
    expect(refused.message).toContain('2 containers');
    expect(remove(state, 2, true).network.phase).toBe('deleting');
    expect(remove(state, 0).mutations).toEqual([]);
  });

  it('waits for every node that has it, then frees everything', () => {
    const state = stateWith([DCOS]);
    const { id } = create(state);
    join(state, 'a', '10.0.0.1');
    join(state, 'b', '10.0.0.2');
    remove(state);
    expect(planFinishedDeletions(state, roomOf(state))).toEqual([]);
    for (const node of ['a', 'b'] as NodeId[]) {
      state.apply(planRemovedNetworks(state, node, [id, 'id-dcos']), 0);
      expect(planRemovedNetworks(state, node, [id])).toEqual([]);
    }
    expect(planFinishedDeletions(state, roomOf(state))).toEqual([
      { op: 'delete', ref: { kind: 'network', id } },
    ]);
    state.apply(planFinishedDeletions(state, roomOf(state)), 0);
    expect(state.records.nodes.get('a' as NodeId)?.networks).toHaveLength(1);
    create(state, WEB, 'again');
    expect(join(state, 'b', '10.0.0.2').networks[1]?.prefixes[0]).toBe('10.8.0.0/26');
  });

  it('does not wait for a deleted node, and frees what was kept for it', () => {
    const state = stateWith([DCOS]);
    const { id } = create(state);
    const node = join(state, 'a', '10.0.0.1');
    applied(state, planDeletionAt(state, node.ip));
    remove(state);
    const stripped = planFinishedDeletions(state, roomOf(state));
    expect(stripped).toContainEqual({
      op: 'delete',
      ref: { kind: 'claim', resource: 'block', value: '10.8.0.0/26' },
    });
    state.apply(stripped, 0);
    state.apply(planFinishedDeletions(state, roomOf(state)), 0);
    expect(state.records.networks.has(id)).toBe(false);
    expect(join(state, 'a', '10.0.0.1').vtepIp).toBe(node.vtepIp);
  });

  it('takes what was kept for one node in several networks away in one commit after the other', async () => {
    const state = stateWith([DCOS]);
    const other = networkOf('other', ['10.9.0.0/16', 26]);
    create(state);
    create(state, other, 'other');
    const node = join(state, 'a', '10.0.0.1');
    applied(state, planDeletionAt(state, node.ip));
    remove(state);
    applied(state, planNetworkDeletion(state, { name: other.name, force: true, attached: 0 }));
    const commits: (readonly Mutation[])[] = [];
    for (let more = true; more; more = (commits.at(-1) ?? []).length > 0) {
      commits.push(planFinishedDeletions(state, roomOf(state)));
      state.apply(commits.at(-1) ?? [], 0);
      const [former] = state.records.formerNodes.values();
      const claimed = (value: string) =>
        commits
          .flat()
          .every((one) => one.op !== 'delete' || one.ref.kind !== 'claim' || one.ref.value !== value);
      for (const { prefixes } of former?.networks ?? []) expect(prefixes.every(claimed)).toBe(true);
    }
    expect([...state.records.networks.values()].map(({ definition }) => definition.name)).toEqual(['dcos']);
  });

  it('leaves a mark where a configuration named the network, which only a new creation takes away', () => {
    const state = stateWith([DCOS, WEB]);
    for (const id of ['again', 'and-again']) {
      remove(state);
      state.apply(planFinishedDeletions(state, roomOf(state)), 0);
      expect(state.records.networkByName(WEB_NAME)).toBeUndefined();
      expect([...state.records.deletedNetworks.keys()]).toEqual(['web']);
      create(state, WEB, id);
      expect(state.records.deletedNetworks.size).toBe(0);
      expect(state.records.networkByName(WEB_NAME)?.id).toBe(id);
    }
  });

  it('leaves a mark of a configured network that was changed at runtime before', () => {
    const state = stateWith([DCOS, WEB]);
    applied(state, planNetworkUpdate(state, { ...WEB, enabled: false }));
    remove(state);
    state.apply(planFinishedDeletions(state, roomOf(state)), 0);
    expect([...state.records.deletedNetworks.keys()]).toEqual(['web']);
  });

  it('leaves nothing of networks that no configuration named', () => {
    const state = stateWith([DCOS]);
    create(state);
    remove(state);
    state.apply(planFinishedDeletions(state, roomOf(state)), 0);
    expect(state.records.deletedNetworks.size).toBe(0);
  });

  it('is not undone by creating the same name before it is gone', () => {
    const state = stateWith([DCOS]);
    create(state);
    join(state, 'a', '10.0.0.1');
    remove(state);
    expect(failureOf(() => create(state)).code).toBe('failed_precondition');
  });
});
