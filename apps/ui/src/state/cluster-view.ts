/** A network as the page shows it; '' and 0 for what the state does not say. */
export interface NetworkView {
  readonly name: string;
  readonly subnet: string;
  readonly prefix: number;
  readonly subnet6: string;
  readonly prefix6: number;
  readonly enabled: boolean;
  readonly isolated: boolean;
}

/** How a network stands on an agent. */
export type Status = 'ok' | 'configuring' | 'failed' | 'unknown';

/** What an agent has of one network; '' for what it has not. */
export interface AgentNetworkView {
  readonly name: string;
  readonly subnet: string;
  readonly subnet6: string;
  /** Bridges with their halves, for example `m-dcos 9.0.1.0/25`. */
  readonly bridges: readonly string[];
  readonly status: Status;
  readonly error: string;
}

/** An agent as the page shows it. */
export interface AgentView {
  readonly ip: string;
  readonly vtepIps: readonly string[];
  readonly vtepMac: string;
  readonly networks: readonly AgentNetworkView[];
}

/** Everything that the page shows. */
export interface ClusterView {
  readonly vtepSubnets: readonly string[];
  readonly networks: readonly NetworkView[];
  readonly agents: readonly AgentView[];
}

/** The cluster before anything is known of it. */
export const EMPTY_CLUSTER: ClusterView = { vtepSubnets: [], networks: [], agents: [] };
