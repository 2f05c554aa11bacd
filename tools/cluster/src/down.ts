import { readClusterState, removeClusterFiles } from './cluster-state.js';
import { answers, createEngine } from './engine/engine.js';
import { ownEngine, removeOwnEngine } from './engine/own-engine.js';
import type { ClusterPlaces } from './places.js';
import { Stack } from './stack/stack.js';
import type { Teller } from './teller.js';

/**
 * Removes a cluster: containers, networks, volumes and, if the cluster has its own engine, that with everything it
 * made. Images stay in an engine that was running before, and in the checkout's cache. Repeating it is safe.
 */
export async function down(places: ClusterPlaces, teller: Teller): Promise<void> {
  const state = readClusterState(places);
  if (state === undefined) {
    teller.line(`  there is no cluster ${places.name}`);
    return;
  }
  const engine = state.engine === 'own' ? ownEngine(places) : createEngine(undefined, []);
  if (state.engine === 'running' || (await answers(engine))) {
    const stack = await Stack.open(engine, places, state);
    await teller.step('containers, networks and volumes are removed', () =>
      stack.compose(['down', '--volumes', '--remove-orphans', '--timeout', '3']),
    );
  }
  if (state.engine === 'own') {
    await teller.step("the cluster's Docker Engine is removed", () => removeOwnEngine(places));
  }
  removeClusterFiles(places);
}
