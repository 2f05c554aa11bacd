import type { Agent, AgentNetwork } from '@overlay/contracts';

/** What one agent has of one network. */
export interface NetworkAgent {
  readonly ip: string;
  readonly connected: boolean;
  readonly network: AgentNetwork;
}

/** The agents that have, or should have, a part of a network, in the given order. */
export function listNetworkAgents(networkId: string, agents: readonly Agent[]): readonly NetworkAgent[] {
  return agents.flatMap(({ assignment, connected }) => {
    const network = assignment?.networks.find((candidate) => candidate.networkId === networkId);
    return assignment === undefined || network === undefined
      ? []
      : [{ ip: assignment.ip, connected, network }];
  });
}
