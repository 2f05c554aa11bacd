import type { Capacity, Container, NetworkState } from '@overlay/contracts';
import type { NodeId } from '@overlay/model';

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
  readonly #reports = new Map<NodeId, AgentReport>();

  get(id: NodeId): AgentReport | undefined {
    return this.#reports.get(id);
  }

  set(id: NodeId, report: AgentReport): void {
    this.#reports.set(id, report);
  }

  /** Forgets a node. Repeatable. */
  delete(id: NodeId): void {
    this.#reports.delete(id);
  }
}
