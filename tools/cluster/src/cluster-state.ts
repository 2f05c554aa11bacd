import { existsSync, readFileSync, rmSync } from 'node:fs';
import { OverlayError } from '@overlay/failure';
import { writeFileAtomically } from '@overlay/service';
import { unmountBelow } from './engine/leftovers.js';
import type { ImageTags } from './images/image-tags.js';
import { type ClusterPlaces, commandFor } from './places.js';

/** What the commands tell each other about a cluster. */
export interface ClusterState {
  /** `own`: one that `up` starts and `down` removes. */
  readonly engine: 'own' | 'running';
  readonly hosts: number;
  /** Whether every host has a Docker Engine. */
  readonly docker: boolean;
  /** Absent until they are there. */
  readonly images?: ImageTags;
}

/**
 * What is known of a cluster; undefined if there is none.
 * @throws OverlayError `failed_precondition` if its file cannot be read as what {@link writeClusterState} wrote.
 */
export function readClusterState(places: ClusterPlaces): ClusterState | undefined {
  const { name, stateFile } = places;
  if (!existsSync(stateFile)) return undefined;
  try {
    const state: unknown = JSON.parse(readFileSync(stateFile, 'utf8'));
    if (isClusterState(state)) return state;
  } catch {
    // cut off, or somebody else's words
  }
  const wayOut = commandFor(places, 'down');
  throw new OverlayError('failed_precondition', `${stateFile} does not tell what ${name} is: ${wayOut}`);
}

/** @throws OverlayError `failed_precondition` if there is no cluster of that name. */
export function requireClusterState(places: ClusterPlaces): ClusterState {
  const state = readClusterState(places);
  if (state === undefined) {
    const wayOut = commandFor(places, 'up');
    throw new OverlayError('failed_precondition', `there is no cluster ${places.name}: ${wayOut}`);
  }
  return state;
}

/** Written before anything is made, so that whatever is made can be removed. */
export async function writeClusterState(places: ClusterPlaces, state: ClusterState): Promise<void> {
  await writeFileAtomically(places.stateFile, `${JSON.stringify(state, undefined, 2)}\n`);
}

/** Forgets a cluster and every file of it, the notes of what it is last. */
export async function removeClusterFiles({ folder, memory }: ClusterPlaces): Promise<void> {
  await unmountBelow([memory, folder]); // by the maker of a base image, if it was interrupted
  for (const each of [memory, folder]) rmSync(each, { recursive: true, force: true });
}

function isClusterState(value: unknown): value is ClusterState {
  if (typeof value !== 'object' || value === null) return false;
  const { engine, hosts, docker } = value as Partial<Record<keyof ClusterState, unknown>>;
  return (
    (engine === 'own' || engine === 'running') && typeof hosts === 'number' && typeof docker === 'boolean'
  );
}
