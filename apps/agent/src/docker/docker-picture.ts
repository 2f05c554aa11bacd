import type { Capacity, Container } from '@overlay/contracts';
import type { NetworkProgress } from '../configuration/network-progress.js';

/** How the Docker half of one network stands. */
export interface DockerHalfState {
  readonly progress: NetworkProgress;
  /** What people should know although the half is as it has to be; '' for nothing. */
  readonly notice: string;
}

/** What the agent knows of Docker on its host. */
export interface DockerPicture {
  /** Whether an engine answered the last time it was asked. */
  readonly up: boolean;
  /** By id of the overlay network, for those that want Docker or are being removed from it. */
  readonly halves: ReadonlyMap<string, DockerHalfState>;
  /** Ids of the overlay networks that have a Docker network here, as far as is known. */
  readonly standing: ReadonlySet<string>;
  /** Those of their Docker networks that others made: ids of overlay networks by Docker network id. */
  readonly adopted: ReadonlyMap<string, string>;
  /** The containers that are on them; the last ones seen while the engine is away. */
  readonly containers: readonly Container[];
  readonly capacities: readonly Capacity[];
}

/** A host that has nothing to do with Docker. */
export const NO_DOCKER: DockerPicture = {
  up: false,
  halves: new Map(),
  standing: new Set(),
  adopted: new Map(),
  containers: [],
  capacities: [],
};
