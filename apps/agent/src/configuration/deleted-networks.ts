import { type AgentNetwork, NetworkPhase, type RegisterAgentResponse } from '@overlay/contracts';

/** Ids of the assigned networks that are being deleted: everything of them has to go from this host. */
export function deletedNetworkIds(registration: RegisterAgentResponse): readonly string[] {
  const deleting = new Set(
    registration.networks.filter(({ phase }) => phase === NetworkPhase.DELETING).map(({ id }) => id),
  );
  const assigned = registration.assignment?.networks ?? [];
  return assigned.map(({ networkId }) => networkId).filter((id) => deleting.has(id));
}

/** The assigned networks that stay. */
export function stayingNetworks(registration: RegisterAgentResponse): readonly AgentNetwork[] {
  const deleted = new Set(deletedNetworkIds(registration));
  return (registration.assignment?.networks ?? []).filter(({ networkId }) => !deleted.has(networkId));
}
