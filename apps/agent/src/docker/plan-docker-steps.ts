import { dockerNetworkDifferences } from './compare-docker-network.js';
import type { DockerNetwork, DockerNetworkSettings } from './docker-networks.js';
import { BRIDGE_OPTIONS, NETWORK_ID_LABEL } from './plan-docker-network.js';

/** The Docker network that an overlay network wants. */
export interface WantedDockerNetwork {
  readonly networkId: string;
  readonly settings: DockerNetworkSettings;
}

/** What to do about one network. */
export type DockerStep =
  | { readonly kind: 'keep'; readonly wanted: WantedDockerNetwork; readonly found: DockerNetwork }
  | { readonly kind: 'create'; readonly wanted: WantedDockerNetwork }
  /** Ours, but not as it has to be: it is made anew as soon as no container is on it. */
  | {
      readonly kind: 'replace';
      readonly wanted: WantedDockerNetwork;
      readonly found: DockerNetwork;
      readonly reason: string;
    }
  /** Somebody else's stands in the way. */
  | { readonly kind: 'conflict'; readonly wanted: WantedDockerNetwork; readonly error: string }
  /** Ours or adopted, of a network that is not assigned any more. */
  | { readonly kind: 'remove'; readonly networkId: string; readonly found: DockerNetwork };

/** The id of the overlay network that a Docker network was made for; undefined for somebody else's. */
export function ownerOf({ labels }: Pick<DockerNetwork, 'labels'>): string | undefined {
  return labels[NETWORK_ID_LABEL];
}

/**
 * What to do so that Docker has the wanted networks and none of ours that is neither wanted nor kept. Somebody
 * else's network is adopted if it is equal, never changed, and removed only if it is an orphan.
 * @param kept ids of overlay networks whose Docker networks stay even if they are not wanted now
 * @param orphans adopted networks whose overlay network is gone: its id by Docker network id
 */
export function planDockerSteps(
  wanted: readonly WantedDockerNetwork[],
  found: readonly DockerNetwork[],
  kept: ReadonlySet<string>,
  orphans: ReadonlyMap<string, string> = new Map(),
): readonly DockerStep[] {
  const steps = wanted.map((one) => planStep(one, found));
  const handled = new Set(steps.flatMap((step) => ('found' in step ? [step.found.id] : [])));
  const removals = found.flatMap((network): DockerStep[] => {
    const networkId = ownerOf(network) ?? orphans.get(network.id);
    if (networkId === undefined || kept.has(networkId) || handled.has(network.id)) return [];
    return [{ kind: 'remove', networkId, found: network }];
  });
  return [...removals, ...steps];
}

/**
 * The Docker networks that stand for overlay networks although others made them: ids of overlay networks by Docker
 * network id. One that was adopted stays so for as long as it stands: containers on it hold addresses of the block also
 * when it is not as it has to be any more.
 * @param wanted also those that are on their way out: what is equal to theirs was adopted
 * @param before the adopted ones as recorded
 */
export function planAdoptions(
  wanted: readonly WantedDockerNetwork[],
  found: readonly DockerNetwork[],
  before: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const foreign = found.filter((network) => ownerOf(network) === undefined);
  const known = foreign.flatMap(({ id }): [string, string][] => {
    const networkId = before.get(id);
    return networkId === undefined ? [] : [[id, networkId]];
  });
  const steps = wanted.map((one) => planStep(one, foreign));
  const equal = steps.flatMap((step): [string, string][] =>
    step.kind === 'keep' ? [[step.found.id, step.wanted.networkId]] : [],
  );
  return new Map([...known, ...equal]);
}

function planStep(wanted: WantedDockerNetwork, found: readonly DockerNetwork[]): DockerStep {
  const { networkId, settings } = wanted;
  const named = found.filter(({ name }) => name === settings.name);
  const equal = named.find(
    (network) =>
      [undefined, networkId].includes(ownerOf(network)) &&
      dockerNetworkDifferences(settings, network).length === 0,
  );
  if (equal !== undefined) return { kind: 'keep', wanted, found: equal };
  const foreign = named.find((network) => ownerOf(network) === undefined);
  if (foreign !== undefined) return { kind: 'conflict', wanted, error: conflictText(settings, foreign) };
  const [ours] = named;
  if (ours !== undefined) {
    const differences = dockerNetworkDifferences(settings, ours);
    const reason = differences.length === 0 ? 'it belongs to a deleted network' : differences.join('; ');
    return { kind: 'replace', wanted, found: ours, reason };
  }
  const bridge = settings.options[BRIDGE_OPTIONS.name] ?? '';
  const squatter = found.find(({ options }) => options[BRIDGE_OPTIONS.name] === bridge);
  if (squatter === undefined || ownerOf(squatter) !== undefined) return { kind: 'create', wanted };
  const error = `Docker network ${squatter.name} uses the bridge ${bridge}; remove it (docker network rm ${squatter.name})`;
  return { kind: 'conflict', wanted, error };
}

function conflictText(settings: DockerNetworkSettings, foreign: DockerNetwork): string {
  const differences = dockerNetworkDifferences(settings, foreign).join('; ');
  const { name } = settings;
  return `Docker has another network ${name}: ${differences}; remove it (docker network rm ${name}), and it is made as it has to be`;
}
