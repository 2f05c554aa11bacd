import { appendFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { docker, type Engine, tryDocker } from '../engine/engine.js';
import { CACHE, type ClusterPlaces } from '../places.js';
import { ensureBaseImages } from './base-images.js';
import type { ImageTags } from './image-tags.js';

const BUILD_MS = 900_000;

/** Whether an engine has every image. */
export async function hasImages(engine: Engine, tags: ImageTags): Promise<boolean> {
  const { exitCode } = await tryDocker(engine, ['image', 'inspect', ...allTags(tags)]);
  return exitCode === 0;
}

/** Whether images of these tags were kept. */
export function areImagesKept(tags: ImageTags): boolean {
  return existsSync(archiveOf(tags));
}

/** Gives an engine the images that were kept. */
export async function loadImages(engine: Engine, tags: ImageTags): Promise<void> {
  await docker(engine, ['load', '--quiet', '--input', archiveOf(tags)], { timeoutMs: BUILD_MS });
}

/** Keeps the images for the next engine that is empty, in the place of those kept before. */
export async function keepImages(engine: Engine, places: ClusterPlaces, tags: ImageTags): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  const draft = join(places.folder, 'images.tar'); // down removes what an interrupted up left
  try {
    await docker(engine, ['save', '--output', draft, ...allTags(tags)], { timeoutMs: BUILD_MS });
    for (const name of readdirSync(CACHE).filter((entry) => entry.startsWith('images-'))) {
      rmSync(join(CACHE, name), { force: true });
    }
    renameSync(draft, archiveOf(tags));
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Builds every image with apt in the machine's own network.
 *
 * @returns a line for each with its size.
 * @throws OverlayError `internal` with the last words of a build; all of them are in the build log.
 */
export async function buildImages(
  engine: Engine,
  places: ClusterPlaces,
  tags: ImageTags,
): Promise<readonly string[]> {
  const base = await ensureBaseImages(engine, places);
  const args = ['--build-arg', `BASE_IMAGE=${base.debian}`, '--build-arg', `NODE_IMAGE=${base.node}`];
  await Promise.all(
    Object.entries(tags).map(async ([image, tag]: readonly [string, string]) => {
      const isOverlay = image === 'overlay';
      const file = join(places.context, 'deploy', isOverlay ? 'Dockerfile' : `Dockerfile.${image}`);
      await build(engine, places, tag, [...(isOverlay ? args : args.slice(0, 2)), '--file', file]);
    }),
  );
  const listed = allTags(tags).map(async (tag) => {
    const bytes = Number(await docker(engine, ['image', 'inspect', '--format', '{{.Size}}', tag]));
    return `${tag} ${Math.round(bytes / 1e6)} MB`;
  });
  return Promise.all(listed);
}

async function build(
  engine: Engine,
  { context, buildLog }: ClusterPlaces,
  tag: string,
  args: readonly string[],
): Promise<void> {
  const command = ['build', '--network', 'host', '--tag', tag, ...args, context];
  const { exitCode, stdout, stderr } = await tryDocker(engine, command, { timeoutMs: BUILD_MS });
  appendFileSync(buildLog, `${stdout}\n${stderr}\n`);
  if (exitCode === 0) return;
  const words = `${stdout}\n${stderr}`.trim().split('\n').slice(-8).join('\n');
  throw new OverlayError('internal', `the image ${tag} cannot be built (all of it: ${buildLog}):\n${words}`);
}

function allTags(tags: ImageTags): readonly string[] {
  return Object.values(tags) as readonly string[];
}

function archiveOf(tags: ImageTags): string {
  return join(CACHE, `images-${allTags(tags).join('-').replaceAll(':', '-')}.tar`);
}
