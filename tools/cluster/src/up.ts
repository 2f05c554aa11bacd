import { rmSync } from 'node:fs';
import { OverlayError } from '@overlay/failure';
import { type ClusterState, readClusterState, writeClusterState } from './cluster-state.js';
import { describeDoors } from './describe-doors.js';
import { answers, createEngine, type Engine } from './engine/engine.js';
import { ownEngine, placeOfOwnEngine, startOwnEngine, stopOwnEngine } from './engine/own-engine.js';
import { assembleContext } from './images/build-context.js';
import { areImagesKept, buildImages, hasImages, keepImages, loadImages } from './images/ensure-images.js';
import { type ImageTags, planImageTags } from './images/image-tags.js';
import type { ClusterPlaces } from './places.js';
import { awaitHealth } from './stack/await-health.js';
import { Stack } from './stack/stack.js';
import { startContainers } from './stack/start-containers.js';
import type { Teller } from './teller.js';

/** What the user asked for. */
export interface UpOptions {
  readonly hosts: number;
  /** A Docker Engine on every host. */
  readonly docker: boolean;
  /** An engine of the cluster's own even if one answers. */
  readonly ownEngine: boolean;
}

const HEALTHY_MS = 240_000;

/**
 * Brings a cluster up until every container is healthy. Repeating it is safe: it mends what is missing.
 *
 * @throws OverlayError `failed_precondition` if the cluster is there with other options; what containers say if they
 *   do not get healthy. Whatever was made stays, for a look; `down` removes it.
 */
export async function up(places: ClusterPlaces, options: UpOptions, teller: Teller): Promise<void> {
  const started = performance.now();
  const before = readClusterState(places);
  if (before !== undefined) requireSame(places, before, options);
  const state: ClusterState = before ?? {
    engine: options.ownEngine || !(await answers(createEngine(undefined, []))) ? 'own' : 'running',
    hosts: options.hosts,
    docker: options.docker,
  };
  await writeClusterState(places, state);
  const key = await teller.step('the release is assembled', async () => assembleContext(places.context));
  const images = planImageTags(key, state.docker);
  rmSync(places.buildLog, { force: true });
  const engine = await provide(places, state.engine, images, teller);
  await writeClusterState(places, { ...state, images });

  const stack = await Stack.open(engine, places, { ...state, images });
  await teller.step(`containers are started, ${state.hosts} hosts`, () => startContainers(stack));
  await teller.step('every health check succeeds', () => awaitHealth(stack, HEALTHY_MS));
  teller.line();
  teller.line(`  up after ${Math.round((performance.now() - started) / 1000)} s`);
  for (const line of describeDoors(places, engine, state.engine)) teller.line(`  ${line}`);
}

/** An engine that has the images. */
async function provide(
  places: ClusterPlaces,
  kind: ClusterState['engine'],
  images: ImageTags,
  teller: Teller,
): Promise<Engine> {
  if (kind === 'running') {
    const engine = createEngine(undefined, []);
    if (!(await hasImages(engine, images))) await obtain(engine, places, images, teller);
    return engine;
  }
  const place = await placeOfOwnEngine(places);
  if (place === 'building') await stopOwnEngine(places); // an earlier `up` was interrupted
  if (place === 'running') {
    const running = ownEngine(places);
    if (await hasImages(running, images)) return running;
    if (areImagesKept(images)) await loadKept(running, images, teller);
    else throw new OverlayError('failed_precondition', 'the sources changed: run down, then up again');
    return running;
  }
  if (!areImagesKept(images)) {
    const builder = await teller.step('a Docker Engine of its own is started to build', () =>
      startOwnEngine(places, 'building'),
    );
    if (!(await hasImages(builder, images))) await obtain(builder, places, images, teller);
    await teller.step('the images are kept for the next time', () => keepImages(builder, places, images));
    await stopOwnEngine(places);
  }
  const engine = await teller.step('a Docker Engine of its own is started in its own network', () =>
    startOwnEngine(places, 'running'),
  );
  if (!(await hasImages(engine, images))) await loadKept(engine, images, teller);
  return engine;
}

async function obtain(
  engine: Engine,
  places: ClusterPlaces,
  images: ImageTags,
  teller: Teller,
): Promise<void> {
  if (areImagesKept(images)) return loadKept(engine, images, teller);
  const sizes = await teller.step('the images are built', () => buildImages(engine, places, images));
  for (const size of sizes) teller.line(`      ${size}`);
}

function loadKept(engine: Engine, images: ImageTags, teller: Teller): Promise<void> {
  return teller.step('the images are loaded', () => loadImages(engine, images));
}

function requireSame({ name }: ClusterPlaces, before: ClusterState, wanted: UpOptions): void {
  if (before.hosts === wanted.hosts && before.docker === wanted.docker) return;
  const has = `${before.hosts} hosts ${before.docker ? 'with' : 'without'} Docker Engines`;
  const wayOut = 'run down first, or give this one another --name';
  throw new OverlayError('failed_precondition', `the cluster ${name} is there and has ${has}: ${wayOut}`);
}
