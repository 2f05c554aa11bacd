import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { OverlayError } from '@overlay/failure';
import type { ImageTags } from './images/image-tags.js';
import type { ClusterPlaces } from './places.js';

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

/** What is known of a cluster; undefined if there is none. */
export function readClusterState({ stateFile }: ClusterPlaces): ClusterState | undefined {
  try {
    return JSON.parse(readFileSync(stateFile, 'utf8')) as ClusterState;
  } catch {
    return undefined;
  }
}

/** @throws OverlayError `failed_precondition` if there is no cluster of that name. */
export function requireClusterState(places: ClusterPlaces): ClusterState {
  const state = readClusterState(places);
  if (state === undefined) {
    const wayOut = 'npm run cluster -- up';
    throw new OverlayError('failed_precondition', `there is no cluster ${places.name}: ${wayOut}`);
  }
  return state;
}

/** Written before anything is made, so that whatever is made can be removed. */
export async function writeClusterState(places: ClusterPlaces, state: ClusterState): Promise<void> {
  mkdirSync(places.folder, { recursive: true });
  await writeFile(places.stateFile, `${JSON.stringify(state, undefined, 2)}\n`);
}

/** Forgets a cluster and every file of it. */
export function removeClusterFiles({ folder }: ClusterPlaces): void {
  rmSync(folder, { recursive: true, force: true });
}
