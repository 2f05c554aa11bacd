import type { RegisterAgentResponse } from '@overlay/contracts';
import { stayingNetworks } from '../configuration/deleted-networks.js';
import type { HostProgress } from '../configuration/network-progress.js';
import { type DockerHalfSettings, dockerHalfOf, usesDocker } from './docker-half.js';
import type { DockerOverlay } from './plan-docker-network.js';

/** What the host's networks want of Docker. */
export interface DockerWants {
  readonly overlays: readonly DockerOverlay[];
  /** Ids of those that must not be made yet, with the reason. */
  readonly held: ReadonlyMap<string, string>;
  /** Ids of the networks whose Docker networks stay, wanted now or not. */
  readonly kept: ReadonlySet<string>;
  /** Ids of the networks that stay, whether or not the host uses Docker. */
  readonly staying: ReadonlySet<string>;
  /** What the networks that are being deleted wanted. */
  readonly leaving: readonly DockerOverlay[];
}

/**
 * What the assigned networks want of Docker. An isolated network is held back until the dataplane enforces its
 * isolation. A host that does not use Docker (any more) wants and keeps nothing.
 */
export function planDockerWants(
  registration: RegisterAgentResponse,
  settings: DockerHalfSettings,
  progress: HostProgress,
): DockerWants {
  const networks = stayingNetworks(registration);
  const staying = new Set(networks.map(({ networkId }) => networkId));
  if (!usesDocker(settings)) {
    return { overlays: [], held: new Map(), kept: new Set(), staying, leaving: [] };
  }
  const leaving = (registration.assignment?.networks ?? []).filter(
    ({ networkId }) => !staying.has(networkId),
  );
  const held = networks.filter(
    ({ networkId, network }) => network?.isolated === true && progress.get(networkId)?.kind !== 'configured',
  );
  return {
    overlays: networks.flatMap((network) => dockerHalfOf(network, settings) ?? []),
    held: new Map(held.map(({ networkId }) => [networkId, 'its isolation is not enforced yet'])),
    kept: staying,
    staying,
    leaving: leaving.flatMap((network) => dockerHalfOf(network, settings) ?? []),
  };
}
