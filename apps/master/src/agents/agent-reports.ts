import type { Capacity, Container, NetworkState } from '@overlay/contracts';
import type { NodeId } from '@overlay/model';
import { CapacityFeed } from './capacity-feed.js';
import { ContainerIndex } from './container-index.js';
import { HostRows } from './host-rows.js';
import { areSameCapacities, areSameContainers } from './same-rows.js';

/** Agents are asked to report within this time, changes or not. */
export const REPORT_WITHIN_MS = 30_000;

/** What an agent said last. Held in memory only: heartbeats never touch the log. */
export interface AgentReport {
  /** State of each network, by network id. */
  readonly states: ReadonlyMap<string, NetworkState>;
  /** All with the agent's underlay address, as are the capacities. */
  readonly containers: readonly Container[];
  readonly capacities: readonly Capacity[];
  /** Unix milliseconds. */
  readonly receivedAtMs: number;
}

/**
 * The latest report of each agent, with what finds and orders its rows. Most heartbeats repeat the one before: their
 * rows are compared and dropped, and nothing else happens.
 */
export class AgentReports {
  readonly capacities = new CapacityFeed();
  readonly containers = new ContainerIndex();
  readonly capacityRows = new HostRows<Capacity>(({ network, half, family }) =>
    [network, half, family].join('\n'),
  );
  readonly containerRows = new HostRows<Container>(({ network, containerId, interface: device }) =>
    [network, containerId, device].join('\n'),
  );
  readonly #reports = new Map<NodeId, AgentReport>();
  /** When each agent that is not silent was heard, by a clock that no one sets; the one heard longest ago first. */
  readonly #heardMs = new Map<NodeId, number>();

  get(id: NodeId): AgentReport | undefined {
    return this.#reports.get(id);
  }

  /** True from a node's report until it is marked as silent. */
  isHeard(id: NodeId): boolean {
    return this.#heardMs.has(id);
  }

  /** @param heardMs by a monotonic clock. */
  set(id: NodeId, report: AgentReport, heardMs: number): void {
    this.#heardMs.delete(id);
    this.#heardMs.set(id, heardMs);
    const before = this.#reports.get(id);
    const containers = this.#takeContainers(id, before?.containers ?? [], report.containers);
    const capacities = this.#takeCapacities(id, before?.capacities ?? [], report.capacities);
    this.#reports.set(id, { ...report, containers, capacities });
  }

  /** Forgets a node. Repeatable. */
  delete(id: NodeId): void {
    this.#heardMs.delete(id);
    const before = this.#reports.get(id);
    this.#reports.delete(id);
    this.#takeContainers(id, before?.containers ?? [], []);
    this.#takeCapacities(id, before?.capacities ?? [], []);
  }

  /**
   * Marks the capacity of agents as silent that were not heard since a moment of the same clock, and tells watchers.
   * Costs what there is to mark; the next report of an agent takes the mark away.
   */
  markSilent(sinceMs: number): void {
    for (const [id, heardMs] of this.#heardMs) {
      if (heardMs >= sinceMs) return;
      this.#heardMs.delete(id);
      const report = this.#reports.get(id);
      if (report === undefined) continue;
      const silent = report.capacities.map((row) => ({ ...row, silent: true }));
      this.#reports.set(id, { ...report, capacities: this.#takeCapacities(id, report.capacities, silent) });
    }
  }

  #takeContainers(id: NodeId, before: readonly Container[], after: readonly Container[]) {
    if (areSameContainers(before, after)) return before;
    this.containers.replace(id, before, after);
    this.containerRows.replace(id, before, after);
    return after;
  }

  #takeCapacities(id: NodeId, before: readonly Capacity[], after: readonly Capacity[]) {
    if (areSameCapacities(before, after)) return before;
    this.capacities.replace(before, after);
    this.capacityRows.replace(id, before, after);
    return after;
  }
}
