import { describe, expect, it } from '@jest/globals';
import { NetworkStatus } from '@overlay/contracts';
import type { NetworkDefinition, NodeId } from '@overlay/model';
import { leadingCluster } from '../replication/testing.js';
import { Cluster } from './cluster.js';
import { ClusterRecords } from './cluster-records.js';
import { diffRecords } from './diff-records.js';
import { planQuarantineEnds } from './plan-agent-deletion.js';
import { planRegistration, type RegistrationRequest } from './plan-registration.js';
import { networkOf, planDeletionAt, recordOf, requestOf, roomOf, stateWith } from './testing.js';

const OWN = '10.0.0.1:5060';
const OTHER = '10.0.0.2:5060';

describe('a master that stops leading', () => {
  const refused = (leader: string | undefined) => {
    const { cluster } = leadingCluster(1);
    cluster.setLeader(leader);
    cluster.follow(OWN);
    cluster.close();
    return cluster.submit(() => ({ mutations: [], answer: () => undefined }));
  };

  it('sends writers to the next leader at once where it knows it already', async () => {
    await expect(refused(OTHER)).rejects.toMatchObject({ code: 'unavailable', leader: OTHER });
  });

  it('does not send writers to itself', async () => {
    await expect(refused(OWN)).rejects.toMatchObject({ code: 'unavailable', leader: undefined });
    await expect(refused(undefined)).rejects.toMatchObject({ code: 'unavailable', leader: undefined });
  });
});

describe('an agent as masters show it', () => {
  const REPORT = { states: new Map(), containers: [], capacities: [], receivedAtMs: 7 };

  it('is connected with the leader by its stream, and with a follower by its reports', () => {
    const { cluster, clock } = leadingCluster(1);
    const [node] = cluster.records.nodes.values();
    if (node === undefined) throw new Error('there is no agent');
    const isConnected = () => cluster.agent(node).connected;
    cluster.report(node.id, REPORT);
    expect(isConnected()).toBe(false);
    const close = cluster.connections.open(node.id);
    expect(isConnected()).toBe(true);
    close();
    cluster.follow(OWN);
    expect(isConnected()).toBe(true);
    clock.nowMs += 1;
    cluster.reports.markSilent(clock.nowMs);
    expect(isConnected()).toBe(false);
    cluster.report(node.id, REPORT);
    expect(isConnected()).toBe(true);
    cluster.close();
  });
});

describe('a network that has no block left for a node', () => {
  const SMALL = networkOf('small', ['10.9.0.0/24', 25]);
  const FAILED = {
    status: NetworkStatus.FAILED,
    error:
      'network "small" has no free /25 of 10.9.0.0/24 left: delete agents that are gone, or add a network',
  };

  /** A log with as many agents as the network has blocks, and `c`, which a follower reads. */
  function followed(small: NetworkDefinition = SMALL, wishes: Partial<RegistrationRequest> = {}) {
    const state = stateWith([networkOf('dcos', ['9.0.0.0/8', 24]), small]);
    const cluster = new Cluster({ vtepMacOuiText: '70:B3:D5:00:00:00', monotonicMs: () => 0 });
    const register = (id: string, ip: string, wishes: Partial<RegistrationRequest> = {}) => {
      const request = requestOf(id, ip, wishes);
      state.apply(planRegistration(state, request, { isConnected: () => false }).mutations, 0);
    };
    register('a', '10.0.0.1');
    register('b', '10.0.0.2');
    register('c', '10.0.0.3', wishes);
    const freeBlock = () => {
      state.apply(planDeletionAt(state, '10.0.0.1').mutations, 0);
      state.apply(planQuarantineEnds(state, Number.MAX_SAFE_INTEGER, roomOf(state)), 0);
    };
    const read = () => {
      const loaded = new ClusterRecords();
      loaded.apply(diffRecords(loaded, state.records));
      cluster.adopt(loaded, { revision: 1n, term: '' });
      cluster.close();
      const node = cluster.records.nodes.get('c' as NodeId);
      if (node === undefined) throw new Error('c is not registered');
      return {
        networks: cluster.assignment(node).networks.map(({ network, state: { status, error } = FAILED }) => ({
          name: network?.name,
          status,
          error,
        })),
        hasMore: cluster.records.hasMoreFor(node),
      };
    };
    const report = (status: NetworkStatus) =>
      cluster.report('c' as NodeId, {
        states: new Map([[recordOf(SMALL).id, { status, error: 'as the agent says' }]]),
        containers: [],
        capacities: [],
        receivedAtMs: 0,
      });
    const add = (definition: NetworkDefinition) =>
      state.apply([{ op: 'create', record: { kind: 'network', network: recordOf(definition) } }], 0);
    return { read, report, register, freeBlock, add };
  }

  const dcos = { name: 'dcos', status: NetworkStatus.CONFIGURING, error: '' };
  const failed = { name: 'small', ...FAILED };

  it('is shown as failed by a master that does not lead', () => {
    const { read } = followed();
    expect(read()).toEqual({ networks: [dcos, failed], hasMore: false });
  });

  it('stays failed once a block is free, as the agent reports, until the node registers and has it', () => {
    const { read, report, register, freeBlock } = followed();
    read();
    report(NetworkStatus.FAILED);
    freeBlock();
    expect(read()).toEqual({ networks: [dcos, failed], hasMore: true });
    register('c', '10.0.0.3');
    const { networks, hasMore } = read();
    expect(networks.map(({ name }) => name)).toEqual(['dcos', 'small']);
    expect(hasMore).toBe(false);
  });

  it('is not there for a node that has not heard of it', () => {
    const { read, freeBlock } = followed();
    freeBlock();
    expect(read()).toEqual({ networks: [dcos], hasMore: true });
  });

  it('is none for a gateway, which wants no block, not even of a network that is new to it', () => {
    const { read, register, add } = followed(SMALL, { allocateSubnet: false });
    add(networkOf('tiny', ['10.10.0.0/24', 25]));
    register('a', '10.0.0.1');
    register('b', '10.0.0.2');
    expect(read().networks.map(({ name, status }) => ({ name, status }))).toEqual([
      { name: 'dcos', status: NetworkStatus.CONFIGURING },
      { name: 'small', status: NetworkStatus.CONFIGURING },
    ]);
  });

  it('is failed for a former gateway that wants one now', () => {
    const { read, register, freeBlock } = followed(SMALL, { allocateSubnet: false });
    register('c', '10.0.0.3');
    expect(read()).toEqual({ networks: [dcos, failed], hasMore: false });
    freeBlock();
    expect(read().hasMore).toBe(true);
  });

  it('is not allocated to agents, and so not failed, while it is disabled', () => {
    const { read, report, freeBlock } = followed({ ...SMALL, enabled: false });
    read();
    report(NetworkStatus.FAILED);
    freeBlock();
    expect(read()).toEqual({ networks: [dcos], hasMore: false });
  });
});
