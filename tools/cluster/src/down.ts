import { toOverlayError } from '@overlay/failure';
import { type ClusterState, readClusterState, removeClusterFiles } from './cluster-state.js';
import { answers, createEngine } from './engine/engine.js';
import { hasOwnEngine, ownEngine, removeOwnEngine } from './engine/own-engine.js';
import type { ClusterPlaces } from './places.js';
import { MAX_CLUSTER_HOSTS } from './stack/compose-file.js';
import { Stack } from './stack/stack.js';
import type { Teller } from './teller.js';

/**
 * Removes a cluster: containers, networks, volumes and, if the cluster has its own engine, that with everything it
 * made. Images stay in an engine that was running before, and in the checkout's cache. Repeating it is safe.
 */
export async function down(places: ClusterPlaces, teller: Teller): Promise<void> {
  const state = findCluster(places);
  if (state === undefined) {
    teller.line(`  there is no cluster ${places.name}`);
    return;
  }
  if (state.engine === 'running') await removeContainers(places, state, teller);
  else {
    // They go with their engine in any case; in this order they end as they would elsewhere.
    if (await answers(ownEngine(places))) {
      await removeContainers(places, state, teller).catch((failure: unknown) => {
        teller.line(`      ${toOverlayError(failure).message}`);
      });
    }
    await teller.step("the cluster's Docker Engine is removed", () => removeOwnEngine(places));
  }
  await removeClusterFiles(places);
}

/** What is to be removed. Whose notes are lost or cannot be read is taken for the largest that there can be. */
function findCluster(places: ClusterPlaces): ClusterState | undefined {
  const engine = hasOwnEngine(places) ? 'own' : 'running';
  const largest: ClusterState = { engine, hosts: MAX_CLUSTER_HOSTS, docker: true };
  try {
    return readClusterState(places) ?? (engine === 'own' ? largest : undefined);
  } catch {
    return largest;
  }
}

function removeContainers(places: ClusterPlaces, state: ClusterState, teller: Teller): Promise<string> {
  return teller.step('containers, networks and volumes are removed', async () => {
    const engine = state.engine === 'own' ? ownEngine(places) : createEngine(undefined, []);
    const stack = await Stack.open(engine, places, state);
    return stack.compose(['down', '--volumes', '--remove-orphans', '--timeout', '3']);
  });
}
