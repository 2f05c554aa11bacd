import type { AddressSpace, Agent, Assignment, Network } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import type { AddressSpaceDefinition, Mutation, NetworkId, NodeId, NodeRecord } from '@overlay/model';
import type { LogPosition } from '@overlay/overlay-log';
import { type AgentReport, AgentReports } from '../agents/agent-reports.js';
import { Connections } from '../agents/connections.js';
import type { CommitLoop, Planned } from '../commit/commit-loop.js';
import { toAddressSpace, toAssignment, toNetwork } from '../rpc/to-messages.js';
import { TopologyFeed } from '../topology/topology-feed.js';
import { ClusterRecords } from './cluster-records.js';
import { diffRecords } from './diff-records.js';
import type { PlannerState } from './planner-state.js';

/** What a cluster lives on. */
export interface ClusterDeps {
  /** The OUI in its configured spelling, which state and messages show. */
  readonly vtepMacOuiText: string;
  readonly monotonicMs: () => number;
}

/** What every node is told alike. */
export interface SharedDefinitions {
  readonly addressSpace: AddressSpace;
  /** In name order. */
  readonly networks: readonly Network[];
}

/** Milliseconds for which topology changes are gathered into one frame. */
const TOPOLOGY_BATCH_MS = 20;
const TOPOLOGY_HISTORY = 4_096;

/**
 * The cluster as this master sees it: the committed records, what agents reported, who is connected. On the
 * leader it is also the one way to change any of it durably; a follower sends writers to the leader.
 */
export class Cluster {
  readonly connections: Connections;
  readonly reports = new AgentReports();
  readonly topology: TopologyFeed;
  readonly records = new ClusterRecords();
  readonly #deps: ClusterDeps;
  #commits: CommitLoop | undefined;
  #term: AbortController | undefined;
  #loadedAtMs: number | undefined;
  #leader: string | undefined;
  #definitions: (SharedDefinitions & { readonly version: number }) | undefined;

  constructor(deps: ClusterDeps) {
    this.#deps = deps;
    this.connections = new Connections(deps.monotonicMs);
    this.topology = new TopologyFeed({
      records: this.records,
      renderAddressSpace: (space) => toAddressSpace(space, deps.vtepMacOuiText),
      batchMs: TOPOLOGY_BATCH_MS,
      historyLength: TOPOLOGY_HISTORY,
    });
  }

  /** True while this master leads. */
  get leads(): boolean {
    return this.#commits !== undefined;
  }

  /** Aborts when this master stops leading; undefined on a follower. Agents that came to a leader follow it. */
  get term(): AbortSignal | undefined {
    return this.#term?.signal;
  }

  /** The leader's address, as far as it is known; undefined while nobody leads. */
  get leader(): string | undefined {
    return this.#leader;
  }

  /** True once the log was loaded. */
  get loaded(): boolean {
    return this.#loadedAtMs !== undefined;
  }

  /** For how long this process has known the log, in milliseconds; 0 before. Agents report soon after it began. */
  get loadedForMs(): number {
    return this.#loadedAtMs === undefined ? 0 : this.#deps.monotonicMs() - this.#loadedAtMs;
  }

  /** @throws OverlayError `unavailable` before the log was loaded: an empty answer would be a wrong one. */
  requireLoaded(): void {
    if (this.loaded && this.records.addressSpace !== undefined) return;
    throw new OverlayError('unavailable', 'the overlay log is not loaded yet: try again');
  }

  /** Takes over a log that was loaded; watchers are told of the difference. */
  adopt(loaded: ClusterRecords, position: LogPosition): void {
    const difference = diffRecords(this.records, loaded);
    if (this.loaded) {
      this.#take(difference);
      this.topology.leap(difference, position);
      return;
    }
    this.records.apply(difference);
    this.topology.begin(position);
    this.#loadedAtMs = this.#deps.monotonicMs();
  }

  /** Takes over what was committed, by this master or by the one that it follows. */
  apply(mutations: readonly Mutation[], position: LogPosition): void {
    this.#take(mutations);
    this.topology.publish(mutations, position);
  }

  #take(mutations: readonly Mutation[]): void {
    this.records.apply(mutations);
    for (const mutation of mutations) {
      if (mutation.op !== 'delete' || mutation.ref.kind !== 'node') continue;
      this.reports.delete(mutation.ref.id);
      this.connections.forget(mutation.ref.id);
    }
  }

  /** Begins to take commands. Every recorded agent counts as connected for a while. */
  lead(commits: CommitLoop): void {
    this.connections.beginGrace(this.records.nodes.keys());
    this.#commits = commits;
    this.#term = new AbortController();
  }

  /**
   * Stops taking commands. Repeatable.
   * @param ownAddress this master's, which leads no more; who leads next may be known already.
   */
  follow(ownAddress: string): void {
    this.#commits = undefined;
    if (this.#leader === ownAddress) this.#leader = undefined;
    this.#term?.abort();
    this.#term = undefined;
  }

  /** Notes the leader's address, for writers that come here; undefined while nobody leads. */
  setLeader(address: string | undefined): void {
    this.#leader = address;
  }

  /**
   * Plans a command and resolves when what it changed is durable; see {@link CommitLoop.submit}.
   * @throws OverlayError `unavailable` on a follower, with the leader's address if there is one.
   */
  async submit<T>(plan: (state: PlannerState) => Planned<T>): Promise<T> {
    if (this.#commits !== undefined) return this.#commits.submit(plan);
    throw this.#notLeading();
  }

  /** @throws OverlayError `unavailable` on a follower, with the leader's address if there is one. */
  requireLeading(): void {
    if (!this.leads) throw this.#notLeading();
  }

  /** The shared address space as a message. @throws OverlayError `unavailable` before the log was loaded. */
  addressSpace(): AddressSpace {
    return this.definitions().addressSpace;
  }

  /** Every network in name order. @throws OverlayError `unavailable` before the log was loaded. */
  networks(): readonly Network[] {
    return this.definitions().networks;
  }

  /**
   * What every node is told alike. The same object until any of it changes, so that an encoding of it can be kept.
   * @throws OverlayError `unavailable` before the log was loaded.
   */
  definitions(): SharedDefinitions {
    const space = this.#space();
    const version = this.records.definitionChanges;
    if (this.#definitions?.version === version) return this.#definitions;
    this.#definitions = {
      version,
      addressSpace: toAddressSpace(space, this.#deps.vtepMacOuiText),
      networks: [...this.records.networks.values()]
        .sort((a, b) => (a.definition.name < b.definition.name ? -1 : 1))
        .map(toNetwork),
    };
    return this.#definitions;
  }

  /**
   * Everything assigned to a node, with the states that it reported; and what it lacks for want of a block. The same on
   * every master that has the same records and reports.
   */
  assignment(node: NodeRecord): Assignment {
    const report = this.reports.get(node.id);
    return toAssignment(node, {
      addressSpace: this.#space(),
      networks: this.records.networks,
      stateOf: (id: NetworkId) => report?.states.get(id),
      isExhausted: (network) => this.records.isExhausted(network),
    });
  }

  /** A node with its assignment and how it stands. A follower, which nodes only report to, goes by their reports. */
  agent(node: NodeRecord): Agent {
    const reports = !this.leads && this.reports.isHeard(node.id);
    return {
      assignment: this.assignment(node),
      connected: this.connections.isStreaming(node.id) || reports,
      lastReportMs: BigInt(this.reports.get(node.id)?.receivedAtMs ?? 0),
    };
  }

  /** Keeps a report, unless the node is unknown. */
  report(id: NodeId, report: AgentReport): void {
    if (!this.records.nodes.has(id)) return;
    this.reports.set(id, report, this.#deps.monotonicMs());
  }

  /** Stops timers. */
  close(): void {
    this.topology.close();
  }

  #notLeading(): OverlayError {
    if (this.#leader === undefined) {
      return new OverlayError('unavailable', 'no master leads at the moment: try again');
    }
    const message = `this master follows the leader at ${this.#leader}: call it there`;
    return new OverlayError('unavailable', message, { leader: this.#leader });
  }

  #space(): AddressSpaceDefinition {
    this.requireLoaded();
    const space = this.records.addressSpace;
    if (space === undefined) throw new OverlayError('internal', 'a loaded log has an address space');
    return space;
  }
}
