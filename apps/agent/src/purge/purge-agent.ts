import { join } from 'node:path';
import { OverlayError, toOverlayError } from '@overlay/failure';
import type { CniDirectory } from '../cni/cni-directory.js';
import {
  type DockerContainer,
  type DockerNetwork,
  type DockerNetworks,
  usersOf,
} from '../docker/docker-networks.js';
import type { DockerRecord, DockerRecordFile } from '../docker/docker-record-file.js';
import { ownerOf } from '../docker/plan-docker-steps.js';

/** Where an agent leaves things outside its own folder. */
export interface PurgePorts {
  /** Folders of CNI configurations. */
  readonly cniFolders: readonly PurgeableFolder[];
  readonly docker: DockerNetworks;
  readonly dockerRecord: Pick<DockerRecordFile, 'path' | 'read' | 'write'>;
}

/** A folder of CNI configurations in which writes may have been interrupted. */
export type PurgeableFolder = CniDirectory & { removeInterruptedWrites(): Promise<void> };

/** What a purge did and found, a text for each thing, for example `Docker network dcos`. */
export interface PurgeReport {
  readonly removed: readonly string[];
  /** What is there still, with the reason where it shall not be. */
  readonly left: readonly string[];
}

interface Work extends PurgePorts {
  readonly verify: boolean;
  readonly signal: AbortSignal;
  readonly removed: string[];
  readonly left: string[];
}

/**
 * Removes what an agent made outside its own folder: CNI configurations that are ours by name and content, and
 * Docker networks that carry our label and no running container. What cannot be removed is reported with the reason, and
 * stops nothing else. What others made is never touched. Repeatable.
 * @param verify true to remove nothing: everything that is ours is then left.
 */
export async function purgeAgent(
  ports: PurgePorts,
  verify: boolean,
  signal: AbortSignal,
): Promise<PurgeReport> {
  const work: Work = { ...ports, verify, signal, removed: [], left: [] };
  for (const folder of ports.cniFolders) await purgeFolder(work, folder);
  await purgeDocker(work);
  return { removed: work.removed, left: work.left };
}

async function purgeFolder(work: Work, folder: PurgeableFolder): Promise<void> {
  try {
    if (!work.verify) await folder.removeInterruptedWrites();
    for (const { name } of await folder.list()) {
      await take(work, `CNI file ${join(folder.path, name)}`, () => folder.remove(name));
    }
  } catch (thrown) {
    work.left.push(`whatever is in ${folder.path}: ${toOverlayError(thrown).message}`);
  }
}

async function purgeDocker(work: Work): Promise<void> {
  const { docker, dockerRecord, signal } = work;
  const unreadable: DockerRecord = { standing: new Set(['unreadable']), adopted: new Map() };
  const recorded = await dockerRecord.read().catch(() => unreadable);
  const answer = await readDocker(docker, signal);
  if (answer.kind === 'silent') {
    const { error } = answer;
    // Without a socket there never was a Docker here, unless the agent noted networks of ours.
    const never = error.code === 'not_found' && recorded.standing.size === 0;
    if (never || error.code === 'unimplemented') return;
    const wayOut = `start it to have it looked at, or remove ${dockerRecord.path} if it is gone from this host for good`;
    work.left.push(`whatever is in Docker: ${wayOut} (${docker.socket}: ${error.message})`);
    return;
  }
  // What others made is left; the agent shall know it again when the host comes back.
  const there = new Set(answer.networks.map(({ id }) => id));
  const adopted = new Map([...recorded.adopted].filter(([dockerId]) => there.has(dockerId)));
  const standing = new Set<string>(adopted.values());
  for (const network of answer.networks) {
    const networkId = ownerOf(network);
    if (networkId === undefined) continue;
    const isGone = await take(work, `Docker network ${network.name}`, async () => {
      requireEmpty(network, answer.containers);
      await docker.remove(network.id, signal);
    });
    if (!isGone) standing.add(networkId);
  }
  if (work.verify || recorded.standing.size === 0) return;
  // A note that stays costs nothing but a Docker that is waited for when the host comes back.
  await dockerRecord.write({ standing, adopted }).catch(() => undefined);
}

type DockerAnswer =
  | {
      readonly kind: 'answered';
      readonly networks: readonly DockerNetwork[];
      readonly containers: readonly DockerContainer[];
    }
  | { readonly kind: 'silent'; readonly error: OverlayError };

async function readDocker(docker: DockerNetworks, signal: AbortSignal): Promise<DockerAnswer> {
  try {
    await docker.version(signal);
    const [networks, containers] = await Promise.all([docker.list(signal), docker.listContainers(signal)]);
    return { kind: 'answered', networks, containers };
  } catch (thrown) {
    return { kind: 'silent', error: toOverlayError(thrown) };
  }
}

function requireEmpty(network: DockerNetwork, containers: readonly DockerContainer[]): void {
  const attached = usersOf(network, containers).filter(({ running }) => running);
  if (attached.length === 0) return;
  const names = attached.map(({ name }) => name).join(', ');
  const message = `it has containers (${names}); stop them or take them off it`;
  throw new OverlayError('failed_precondition', message);
}

/** Removes one thing, or only notes it; true if it is gone. */
async function take(
  { verify, removed, left }: Work,
  what: string,
  remove: () => Promise<void>,
): Promise<boolean> {
  if (verify) {
    left.push(what);
    return false;
  }
  try {
    await remove();
    removed.push(what);
    return true;
  } catch (thrown) {
    left.push(`${what}: ${toOverlayError(thrown).message}`);
    return false;
  }
}
