import type { Capacity, Container, NetworkState } from '@overlay/contracts';
import type { NodeId } from '@overlay/model';
import { CapacityFeed } from './capacity-feed.js';
import { ContainerIndex } from './container-index.js';

/** What an agent said last. Held in memory only: heartbeats never touch the log. */
export interface AgentReport {
  /** State of each network, by network id. */
  readonly states: ReadonlyMap<string, NetworkState>;
  readonly containers: readonly Container[];
  readonly capacities: readonly Capacity[];
  /** Unix milliseconds. */
  readonly receivedAtMs: number;
}

/** The latest report of each agent. */
export class AgentReports {
  readonly capacities = new CapacityFeed();
  readonly containers = new ContainerIndex();
  readonly #reports = new Map<NodeId, AgentReport>();

  get(id: NodeId): AgentReport | undefined {
    return this.#reports.get(id);
  }

  set(id: NodeId, report: AgentReport): void {
    const before = this.#reports.get(id);
    this.#reports.set(id, report);
    this.capacities.replace(before?.capacities ?? [], report.capacities);
    this.containers.replace(id, before?.containers ?? [], report.containers);
  }

  /** Forgets a node. Repeatable. */
  delete(id: NodeId): void {
    const before = this.#reports.get(id);
    this.#reports.delete(id);
    this.capacities.replace(before?.capacities ?? [], []);
    this.containers.replace(id, before?.containers ?? [], []);
  }
}
