import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OverlayError } from '@overlay/failure';

/** The repository's root. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The files of one cluster. */
export interface ClusterPlaces {
  readonly name: string;
  /** Compose's name of it, which its containers, networks and volumes begin with. */
  readonly project: string;
  /** Everything below is removed with the cluster. */
  readonly folder: string;
  /** Files that grow while an image is made: in memory where there is room, for installing waits for the disk a lot. */
  readonly memory: string;
  readonly stateFile: string;
  /** What images are built from. */
  readonly context: string;
  /** The compose file of a cluster that differs from the repository's. */
  readonly composeFile: string;
  readonly buildLog: string;
  readonly engineLog: string;
  /** Images and containers of an own engine. */
  readonly engineData: string;
  /** Sockets of an own engine: a path of its own, for socket paths are short. */
  readonly engineRun: string;
  /** Name of an own engine's network namespace and control group. */
  readonly engineName: string;
}

/** The name of a cluster that was given none. */
export const DEFAULT_NAME = 'overlay';

/** The command of this program that does something with a cluster, as its user types it. */
export function commandFor({ name }: Pick<ClusterPlaces, 'name'>, verb: 'up' | 'test' | 'down'): string {
  return `npm run cluster -- ${verb}${name === DEFAULT_NAME ? '' : ` --name ${name}`}`;
}

/** Kept from one cluster to the next, and good for all of them: named by what they are made of. */
export const CACHE = join(ROOT, '.cluster', 'cache');

/** Where a cluster keeps what. @throws OverlayError `invalid_argument` for a name that cannot be part of paths. */
export function planPlaces(name: string): ClusterPlaces {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(name) || name === 'cache') {
    const rule = 'a small letter, then at most 31 small letters, digits and hyphens, and not "cache"';
    throw new OverlayError('invalid_argument', `--name ${name} is no name of a cluster: ${rule}`);
  }
  const folder = join(ROOT, '.cluster', name);
  const engineName = `overlay-cluster-${name}`;
  return {
    name,
    project: name === DEFAULT_NAME ? name : `${DEFAULT_NAME}-${name}`,
    folder,
    memory: join('/dev/shm', engineName),
    stateFile: join(folder, 'state.json'),
    context: join(folder, 'context'),
    composeFile: join(folder, 'docker-compose.yml'),
    buildLog: join(folder, 'build.log'),
    engineLog: join(folder, 'engine.log'),
    engineData: join(folder, 'engine'),
    engineRun: join('/run', engineName),
    engineName,
  };
}
