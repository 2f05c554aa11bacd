import { describe, expect, it } from '@jest/globals';
import type { NetworkDefinition, NetworkId } from '@overlay/model';
import { CommitRoom } from '@overlay/overlay-log';
import { RegistrationEncoder } from '../rpc/encode-registration.js';
import { Cluster } from './cluster.js';
import { ClusterRecords } from './cluster-records.js';
import { diffRecords } from './diff-records.js';
import { planQuarantineEnds } from './plan-agent-deletion.js';
import { planNetworkCreation } from './plan-network.js';
import { planRegistration } from './plan-registration.js';
import { planStartup } from './plan-startup.js';
import { DEFAULT_SPACE, networkOf, planDeletionAt, requestOf, roomOf, stateWith } from './testing.js';

/** Networks with both families. */
function networks(count: number): readonly NetworkDefinition[] {
  return Array.from({ length: count }, (_, index) =>
    networkOf(`n${index}`, [`10.${index}.0.0/16`, 26], [`fd00:${(index + 1).toString(16)}::/64`, 80]),
  );
}

const ALONE = { isConnected: () => false };
const MOST = [...networks(59), networkOf('last', ['10.200.0.0/16', 26])];

describe('the number of networks', () => {
  it('is such that every registration, take-over and end of a quarantine fits one commit', () => {
    const state = stateWith(MOST);
    const registration = planRegistration(state, requestOf('a', '172.16.0.1'), ALONE).mutations;
    expect(roomOf(state).take(registration)).toBe(true);
    state.apply(registration, 0);
    const takeOver = planRegistration(state, requestOf('b', '172.16.0.1'), ALONE).mutations;
    expect(takeOver).toHaveLength(124);
    expect(roomOf(state).take(takeOver)).toBe(true);
    state.apply(takeOver, 0);
    state.apply(planDeletionAt(state, '172.16.0.1').mutations, 0);
    const ended = planQuarantineEnds(state, 1_000_000, roomOf(state));
    expect(ended.length).toBeGreaterThan(120);
    state.apply(ended, 0);
    expect(state.records.formerNodes.size).toBe(0);
  });

  it('is not exceeded by a creation or by a configuration, and the refusal names the limit', () => {
    const one = networkOf('more', ['10.201.0.0/16', 26]);
    const state = stateWith(MOST);
    const creation = () => planNetworkCreation(state, one, () => 'new' as NetworkId);
    expect(creation).toThrow('at most 119 blocks');
    expect(creation).toThrow(expect.objectContaining({ code: 'resource_exhausted' }));
    const options = { adoptNetworks: false, newNetworkId: () => 'new' as NetworkId };
    const start = (configured: readonly NetworkDefinition[]) =>
      planStartup(state, { addressSpace: DEFAULT_SPACE, networks: configured }, options);
    expect(start(MOST).mutations).toEqual([]);
    expect(() => start([...MOST, one])).toThrow('network.overlays: 61 networks');
  });

  it('stays as it is where a log has more already, as after an import from another kind of log, with a warning', () => {
    const many = networks(70);
    const { mutations, warnings } = planStartup(
      stateWith(many),
      { addressSpace: DEFAULT_SPACE, networks: many },
      { adoptNetworks: false, newNetworkId: () => 'new' as NetworkId },
    );
    expect(mutations).toEqual([]);
    expect(warnings).toEqual([
      expect.stringMatching(/new may be refused: 70 networks .* at most 119 blocks/),
    ]);
  });
});

describe('the number of networks in a log that takes many', () => {
  const EMBEDDED_LIMITS = { maxMutations: 10_000, maxBytes: 16 * 1024 * 1024 };
  /** With the longest names and addresses that there are. */
  const longest = (count: number) =>
    Array.from({ length: count }, (_, index) => {
      const number = index.toString(16).padStart(4, '0');
      return networkOf(
        `longest-n${number}`,
        [`111.${100 + (index >> 8)}.${index & 255}.128/25`, 28],
        [`fdab:cdef:abcd:efab:cdef:${1 + index}::/108`, 124],
      );
    });

  it('is such that an agent takes the answer to its registration, and no larger', () => {
    const state = stateWith(longest(4_096), DEFAULT_SPACE, 600_000, EMBEDDED_LIMITS);
    const more = networkOf('more', ['112.0.0.0/16', 26]);
    const creation = () => planNetworkCreation(state, more, () => 'new' as NetworkId);
    expect(creation).toThrow(expect.objectContaining({ code: 'resource_exhausted' }));
    expect(creation).toThrow('more than the 4096 that an agent takes');
    const { node } = planRegistration(state, requestOf('a', '172.16.0.1'), ALONE);
    expect(node.networks).toHaveLength(4_096);
    const cluster = new Cluster({ vtepMacOuiText: '70:B3:D5:00:00:00', monotonicMs: () => 0 });
    const loaded = new ClusterRecords();
    loaded.apply(diffRecords(loaded, state.records));
    cluster.adopt(loaded, { revision: 1n, term: '' });
    cluster.close();
    const answer = new RegistrationEncoder().encode(cluster.assignment(node), cluster.definitions(), 1n);
    // An id is a UUID of 36 characters, and stands three times in what is said of a network.
    const bytes = answer.length + 4_096 * 3 * (36 - 'id-longest-n0000'.length);
    expect(bytes).toBeLessThan(3 * 1024 * 1024);
  });
});

describe('quarantines that end together', () => {
  it('end in several commits for a node from before there was a limit', () => {
    const state = stateWith(networks(64));
    state.apply(planRegistration(state, requestOf('a', '172.16.0.1'), ALONE).mutations, 0);
    state.apply(planDeletionAt(state, '172.16.0.1').mutations, 0);
    for (let commits = 0; state.records.formerNodes.size > 0; commits += 1) {
      const ended = planQuarantineEnds(state, 1_000_000, roomOf(state));
      expect(roomOf(state).take(ended)).toBe(true);
      expect(commits).toBeLessThan(10);
      state.apply(ended, 1_000_000);
    }
    const next = planRegistration(state, requestOf('b', '172.16.0.2'), ALONE).node;
    expect([next.vtepIp, next.networks[0]?.prefixes[0]]).toEqual(['44.128.0.1', '10.0.0.0/26']);
  });

  it('are cut to the room of the commit, whatever each of them takes', () => {
    const state = stateWith(networks(20));
    for (const host of [1, 2, 3]) {
      const plan = planRegistration(state, requestOf(`n${host}`, `172.16.0.${host}`), ALONE);
      state.apply(plan.mutations, 0);
      state.apply(planDeletionAt(state, `172.16.0.${host}`).mutations, 0);
    }
    const room = new CommitRoom(state.limits);
    const first = planQuarantineEnds(state, 1_000_000, room);
    expect(first).toHaveLength(86);
    expect(room.take(first.slice(0, 39))).toBe(false);
    state.apply(first, 1_000_000);
    state.apply(planQuarantineEnds(state, 1_000_000, roomOf(state)), 1_000_000);
    expect(state.records.formerNodes.size).toBe(0);
  });
});
