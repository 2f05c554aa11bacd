import type { AddressSpace, Agent, Assignment, Network } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import type { Mutation, NetworkId, NodeId, NodeRecord } from '@overlay/model';
import type { Fence, OverlayLog } from '@overlay/overlay-log';
import { type AgentReport, AgentReports } from '../agents/agent-reports.js';
import { Connections, GRACE_AFTER_LEADER_CHANGE_MS } from '../agents/connections.js';
import { CommitLoop, type Planned } from '../commit/commit-loop.js';
import type { FailPoints } from '../commit/fail-points.js';
import { toAddressSpace, toAssignment, toNetwork } from '../rpc/to-messages.js';
import { TopologyFeed } from '../topology/topology-feed.js';
import type { ClusterRecords } from './cluster-records.js';
import { type LoadedCluster, loadCluster } from './load-cluster.js';
import { planQuarantineEnds } from './plan-agent-deletion.js';
import type { PlannerState } from './planner-state.js';

/** What a cluster lives on. */
export interface ClusterDeps {
  readonly log: OverlayLog;
  readonly fence: Fence;
  readonly loaded: LoadedCluster;
  /** The OUI in its configured spelling, which state and messages show. */
  readonly vtepMacOuiText: string;
  readonly quarantineMs: number;
  readonly monotonicMs: () => number;
  readonly failPoints: FailPoints;
  /** Told how many changes each commit had and how long it took. */
  readonly onCommit: (changes: number, durationMs: number) => void;
}

/** Milliseconds for which topology changes are gathered into one frame. */
const TOPOLOGY_BATCH_MS = 20;
const TOPOLOGY_HISTORY = 4_096;
const QUARANTINES_ENDED_AT_ONCE = 8;
/** How often quarantines are ended although nothing else is committed, in milliseconds. */
const UPKEEP_MS = 15_000;

/**
 * The cluster as the leading master sees it: the committed records, what agents reported, who is connected, and
 * the one way to change any of it durably.
 */
export class Cluster {
  readonly connections: Connections;
  readonly reports = new AgentReports();
  readonly topology: TopologyFeed;
  readonly #deps: ClusterDeps;
  readonly #commits: CommitLoop;
  readonly #upkeep: NodeJS.Timeout;
  #records: ClusterRecords;

  constructor(deps: ClusterDeps) {
    this.#deps = deps;
    const { state, records, revision } = deps.loaded;
    this.#records = records;
    this.connections = new Connections(records.nodes.keys(), GRACE_AFTER_LEADER_CHANGE_MS, deps.monotonicMs);
    this.topology = new TopologyFeed({
      records: () => this.#records,
      revision,
      renderAddressSpace: (space) => toAddressSpace(space, deps.vtepMacOuiText),
      batchMs: TOPOLOGY_BATCH_MS,
      historyLength: TOPOLOGY_HISTORY,
    });
    this.#commits = new CommitLoop(state, revision, {
      commit: (mutations) => this.#commit(mutations),
      onCommitted: (mutations, committed) => this.#committed(mutations, committed),
      reload: () => this.#reload(),
      upkeep: (state) => planQuarantineEnds(state, deps.monotonicMs(), QUARANTINES_ENDED_AT_ONCE),
      monotonicMs: deps.monotonicMs,
    });
    this.#upkeep = setInterval(() => void this.#commits.tick(), UPKEEP_MS);
    this.#upkeep.unref();
  }

  /** The committed records. */
  get records(): ClusterRecords {
    return this.#records;
  }

  /** Plans a command and resolves when what it changed is durable; see {@link CommitLoop.submit}. */
  async submit<T>(plan: (state: PlannerState) => Planned<T>): Promise<T> {
    const answer = await this.#commits.submit(plan);
    this.#deps.failPoints.pass('before-reply');
    return answer;
  }

  /** The shared address space as a message. */
  addressSpace(): AddressSpace {
    const space = this.#records.addressSpace;
    if (space === undefined) throw new OverlayError('internal', 'the overlay log has no address space');
    return toAddressSpace(space, this.#deps.vtepMacOuiText);
  }

  /** Every network in name order. */
  networks(): readonly Network[] {
    return [...this.#records.networks.values()]
      .sort((a, b) => (a.definition.name < b.definition.name ? -1 : 1))
      .map(toNetwork);
  }

  /** Everything assigned to a node, with the states that it reported. */
  assignment(node: NodeRecord): Assignment {
    const space = this.#records.addressSpace;
    if (space === undefined) throw new OverlayError('internal', 'the overlay log has no address space');
    const report = this.reports.get(node.id);
    return toAssignment(node, {
      addressSpace: space,
      networks: this.#records.networks,
      stateOf: (id: NetworkId) => report?.states.get(id),
      isExhausted: (id) => this.#commits.isExhausted(id),
    });
  }

  /** A node with its assignment and how it stands. */
  agent(node: NodeRecord): Agent {
    return {
      assignment: this.assignment(node),
      connected: this.connections.isStreaming(node.id),
      lastReportMs: BigInt(this.reports.get(node.id)?.receivedAtMs ?? 0),
    };
  }

  /** Keeps a report; false if the node is unknown and has to register. */
  report(id: NodeId, report: AgentReport): boolean {
    if (!this.#records.nodes.has(id)) return false;
    this.reports.set(id, report);
    return true;
  }

  /** Stops timers. */
  close(): void {
    clearInterval(this.#upkeep);
    this.topology.close();
  }

  async #commit(mutations: readonly Mutation[]): Promise<bigint> {
    const startedMs = this.#deps.monotonicMs();
    this.#deps.failPoints.pass('before-commit');
    const revision = await this.#deps.log.commit(mutations, this.#deps.fence);
    this.#deps.failPoints.pass('after-commit');
    this.#deps.onCommit(mutations.length, this.#deps.monotonicMs() - startedMs);
    return revision;
  }

  #committed(mutations: readonly Mutation[], revision: bigint): void {
    this.#records.apply(mutations);
    for (const mutation of mutations) {
      if (mutation.op === 'delete' && mutation.ref.kind === 'node') this.reports.delete(mutation.ref.id);
    }
    this.topology.publish(mutations, revision);
  }

  async #reload(): Promise<LoadedCluster> {
    const loaded = await loadCluster(this.#deps.log, this.#deps.quarantineMs, this.#deps.monotonicMs());
    this.#records = loaded.records;
    this.topology.restart(loaded.revision);
    return loaded;
  }
}
