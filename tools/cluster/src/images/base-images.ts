import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { runCommand } from '@overlay/testbed';
import { docker, type Engine, tryDocker } from '../engine/engine.js';
import { CACHE, type ClusterPlaces } from '../places.js';

/** The images that others are built on: Debian 12, and Debian 12 with Node.js 20. */
export interface BaseImages {
  readonly debian: string;
  readonly node: string;
}

const PULLED: BaseImages = { debian: 'debian:bookworm-slim', node: 'node:20-bookworm-slim' };
const PULL_MS = 60_000;
const MAKE_MS = 900_000;
const TREE_BYTES = 2 ** 30;

/** How a base image is made where none can be pulled: mmdebstrap's arguments. */
const RECIPE = [
  '--mode=root',
  '--variant=minbase',
  '--aptopt=Acquire::Languages "none"',
  '--dpkgopt=force-unsafe-io',
  '--dpkgopt=path-exclude=/usr/share/doc/*',
  '--dpkgopt=path-include=/usr/share/doc/*/copyright',
  '--dpkgopt=path-exclude=/usr/share/man/*',
  '--dpkgopt=path-exclude=/usr/share/locale/*',
  '--quiet',
  'bookworm',
];

/** Changes when base images have to be made anew. */
export const BASE_RECIPE = RECIPE.join(' ');

/**
 * Base images in an engine: pulled where a registry answers, else Debian's made from packages and Node's from it and
 * this machine's own binary.
 */
export async function ensureBaseImages(engine: Engine, places: ClusterPlaces): Promise<BaseImages> {
  const archive = join(
    CACHE,
    `base-${createHash('sha256').update(BASE_RECIPE).digest('hex').slice(0, 12)}.tar`,
  );
  if (!existsSync(archive)) {
    if (await pull(engine)) return PULLED;
    await makeArchive(archive, places);
  }
  const made: BaseImages = { debian: 'overlay-debian:local', node: 'overlay-node:local' };
  await docker(engine, ['import', archive, made.debian], { timeoutMs: MAKE_MS });
  await addNode(engine, places, made);
  return made;
}

async function pull(engine: Engine): Promise<boolean> {
  for (const image of Object.values(PULLED) as readonly string[]) {
    const pulled = await tryDocker(engine, ['pull', '--quiet', image], { timeoutMs: PULL_MS }).catch(
      () => undefined,
    );
    if (pulled?.exitCode !== 0) return false;
  }
  return true;
}

/** A minimal Debian tree as an archive. Whatever it leaves when it is interrupted is the cluster's, and goes with it. */
async function makeArchive(archive: string, places: ClusterPlaces): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  const folder = roomBeside(places.memory) ? places.memory : join(places.folder, 'base');
  const draft = join(places.folder, 'base.tar');
  mkdirSync(folder, { recursive: true });
  try {
    const env = { PATH: process.env.PATH ?? '', TMPDIR: folder, LC_ALL: 'C.UTF-8' };
    const result = await runCommand(['mmdebstrap', ...RECIPE, draft], { env, timeoutMs: MAKE_MS });
    if (result.exitCode !== 0) {
      const words = result.stderr.trim().split('\n').slice(-5).join('\n');
      throw new OverlayError('unavailable', `no registry answers, and mmdebstrap failed:\n${words}`);
    }
    renameSync(draft, archive);
  } finally {
    rmSync(draft, { force: true });
    rmSync(folder, { recursive: true, force: true });
  }
}

async function addNode(engine: Engine, places: ClusterPlaces, { debian, node }: BaseImages): Promise<void> {
  const folder = join(places.folder, 'node');
  mkdirSync(folder, { recursive: true });
  try {
    copyFileSync(process.execPath, join(folder, 'node'));
    chmodSync(join(folder, 'node'), 0o755);
    writeFileSync(join(folder, 'Dockerfile'), `FROM ${debian}\nCOPY node /usr/local/bin/node\n`);
    await docker(engine, ['build', '--quiet', '--tag', node, folder], { timeoutMs: MAKE_MS });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function roomBeside(path: string): boolean {
  if (!existsSync(dirname(path))) return false;
  const { bavail, bsize } = statfsSync(dirname(path));
  return bavail * bsize > TREE_BYTES;
}
