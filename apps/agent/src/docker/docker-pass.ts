import { toOverlayError } from '@overlay/failure';
import type { PassResult } from '../configuration/plan-progress.js';
import { isAway } from '../daemons/is-away.js';
import { unwantedIpv4Subnets } from './compare-docker-network.js';
import { type DockerContainer, type DockerNetwork, type DockerNetworks, usersOf } from './docker-networks.js';
import { type DockerOverlay, planDockerNetwork } from './plan-docker-network.js';
import {
  type DockerStep,
  ownerOf,
  planAdoptions,
  planDockerSteps,
  type WantedDockerNetwork,
} from './plan-docker-steps.js';
import type { DockerWants } from './plan-docker-wants.js';

/** A change that a pass made. */
export interface DockerChange {
  readonly event: 'docker_network_created' | 'docker_network_removed';
  readonly networkId: string;
  readonly network: string;
}

/** What a pass over Docker found. */
export interface DockerPass {
  readonly version: string;
  /** By id of the overlay network, for every wanted one. */
  readonly results: ReadonlyMap<string, PassResult>;
  /** Why networks of ours could not be removed, by id of the overlay network. */
  readonly unremoved: ReadonlyMap<string, string>;
  /** Ids of the overlay networks that have a Docker network now, by Docker network id. */
  readonly standing: ReadonlyMap<string, string>;
  /** The network in Docker, by id of the overlay network that has one. */
  readonly networks: ReadonlyMap<string, DockerNetwork>;
  /** Those that others made. */
  readonly adopted: ReadonlyMap<string, string>;
  /** IPv4 subnets that Docker gave networks without IPv4, by id of the overlay network. */
  readonly unwantedSubnets: ReadonlyMap<string, readonly string[]>;
  readonly containers: readonly DockerContainer[];
  readonly changes: readonly DockerChange[];
}

interface Work {
  readonly docker: DockerNetworks;
  readonly wants: DockerWants;
  readonly containers: readonly DockerContainer[];
  readonly signal: AbortSignal;
  readonly results: Map<string, PassResult>;
  readonly unremoved: Map<string, string>;
  readonly changes: DockerChange[];
  /** Told of each call that Docker refused. */
  readonly onRefusal: () => void;
}

/**
 * Makes Docker's networks those that are wanted, once. Repeatable; what is right already is left alone, and one
 * network's failure does not stop the others.
 * @param adopted networks that others made, as the pass before found them: ids of overlay networks by Docker network id
 * @throws OverlayError if the engine is away or cannot be asked.
 */
export async function dockerPass(
  docker: DockerNetworks,
  wants: DockerWants,
  adopted: ReadonlyMap<string, string>,
  onRefusal: () => void,
  signal: AbortSignal,
): Promise<DockerPass> {
  const version = await docker.version(signal);
  const before = await docker.list(signal);
  const planned = (overlays: readonly DockerOverlay[]) =>
    overlays.map((overlay) => ({
      networkId: overlay.networkId,
      settings: planDockerNetwork(overlay, version),
    }));
  const wanted = planned(wants.overlays);
  const all = [...wanted, ...planned(wants.leaving)];
  const adoptedNow = planAdoptions(all, before, adopted);
  const orphans = new Map([...adoptedNow].filter(([, networkId]) => !wants.staying.has(networkId)));
  const containers = await docker.listContainers(signal);
  const results = new Map<string, PassResult>();
  const work: Work = {
    docker,
    wants,
    containers,
    signal,
    results,
    unremoved: new Map(),
    changes: [],
    onRefusal,
  };
  for (const step of planDockerSteps(wanted, before, wants.kept, orphans)) await takeStep(work, step);
  const changed = work.changes.length > 0;
  const after = changed ? await docker.list(signal) : before;
  return {
    version,
    results: work.results,
    unremoved: work.unremoved,
    changes: work.changes,
    ...pictureOf(wanted, after, planAdoptions(all, after, adoptedNow)),
    containers: changed ? await docker.listContainers(signal) : containers,
  };
}

async function takeStep(work: Work, step: DockerStep): Promise<void> {
  switch (step.kind) {
    case 'keep':
      work.results.set(step.wanted.networkId, { kind: 'configured' });
      return;
    case 'conflict':
      work.results.set(step.wanted.networkId, { kind: 'hopeless', error: step.error });
      return;
    case 'remove': {
      const error = await remove(work, step.found, step.networkId);
      if (error !== undefined) work.unremoved.set(step.networkId, error);
      return;
    }
    case 'replace':
      await replace(work, step);
      return;
    case 'create':
      await create(work, step.wanted);
  }
}

async function replace(work: Work, step: Extract<DockerStep, { kind: 'replace' }>): Promise<void> {
  const { wanted, found, reason } = step;
  const error = stoppedUsersText(found, work.containers) ?? (await remove(work, found, wanted.networkId));
  if (error === undefined) await create(work, wanted);
  else
    work.results.set(wanted.networkId, {
      kind: 'hopeless',
      error: `${error} (it has to be made anew: ${reason})`,
    });
}

/**
 * Why a network must not be made anew although no running container is on it: a stopped one would come back on a
 * network that is not the one it was made for, or not come back (an address of its own that is not there any more).
 */
function stoppedUsersText(found: DockerNetwork, containers: readonly DockerContainer[]): string | undefined {
  const users = usersOf(found, containers);
  const stopped = users.filter(({ running }) => !running).map(({ name }) => name);
  if (stopped.length === 0 || stopped.length < users.length) return undefined;
  const { name } = found;
  const wayOut = `remove them, or take them off it (docker network disconnect ${name} ${stopped[0]})`;
  return `Docker network ${name} is not removed: stopped containers refer to it (${stopped.join(', ')}); ${wayOut}`;
}

async function create(work: Work, { networkId, settings }: WantedDockerNetwork): Promise<void> {
  const reason = work.wants.held.get(networkId);
  if (reason !== undefined) {
    work.results.set(networkId, { kind: 'waiting', reason: `Docker network ${settings.name}: ${reason}` });
    return;
  }
  const refusal = await refusalOf(work, () => work.docker.create(settings, work.signal));
  if (refusal === undefined) {
    work.changes.push({ event: 'docker_network_created', networkId, network: settings.name });
    work.results.set(networkId, { kind: 'configured' });
  } else {
    const error = `Docker network ${settings.name} cannot be made: ${refusal}`;
    work.results.set(networkId, { kind: 'error', error });
  }
}

/** Resolves with why the network could not be removed; undefined if it is gone. */
async function remove(work: Work, found: DockerNetwork, networkId: string): Promise<string | undefined> {
  const attached = usersOf(found, work.containers).filter(({ running }) => running);
  const why = `Docker network ${found.name} cannot be removed:`;
  if (attached.length > 0) {
    const names = attached.map(({ name }) => name).join(', ');
    return `${why} it has containers (${names}); stop them or take them off it`;
  }
  const refusal = await refusalOf(work, () => work.docker.remove(found.id, work.signal));
  if (refusal !== undefined) return `${why} ${refusal}`;
  work.changes.push({ event: 'docker_network_removed', networkId, network: found.name });
  return undefined;
}

async function refusalOf({ onRefusal }: Work, call: () => Promise<void>): Promise<string | undefined> {
  try {
    await call();
    return undefined;
  } catch (thrown) {
    const error = toOverlayError(thrown);
    onRefusal();
    if (isAway(error) || error.code === 'not_found') throw error;
    return error.message;
  }
}

function pictureOf(
  wanted: readonly WantedDockerNetwork[],
  found: readonly DockerNetwork[],
  adopted: ReadonlyMap<string, string>,
): Pick<DockerPass, 'standing' | 'networks' | 'adopted' | 'unwantedSubnets'> {
  const standing = new Map(adopted);
  const unwantedSubnets = new Map<string, readonly string[]>();
  for (const network of found) {
    const networkId = ownerOf(network);
    if (networkId !== undefined) standing.set(network.id, networkId);
  }
  for (const step of planDockerSteps(wanted, found, new Set())) {
    if (step.kind !== 'keep') continue;
    const { networkId, settings } = step.wanted;
    standing.set(step.found.id, networkId);
    const subnets = unwantedIpv4Subnets(settings, step.found);
    if (subnets.length > 0) unwantedSubnets.set(networkId, subnets);
  }
  const networks = new Map(
    found.flatMap((network): [string, DockerNetwork][] => {
      const networkId = standing.get(network.id);
      return networkId === undefined ? [] : [[networkId, network]];
    }),
  );
  return { standing, networks, adopted, unwantedSubnets };
}
