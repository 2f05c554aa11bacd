import { runChecks } from './checks/run-checks.js';
import { requireClusterState } from './cluster-state.js';
import { createEngine } from './engine/engine.js';
import { ownEngine } from './engine/own-engine.js';
import type { ClusterPlaces } from './places.js';
import { awaitHealth } from './stack/await-health.js';
import { Stack } from './stack/stack.js';
import type { Teller } from './teller.js';

const HEALTHY_MS = 120_000;

/** Tries a cluster from the outside. @returns whether everything passed. */
export async function test(places: ClusterPlaces, teller: Teller): Promise<boolean> {
  const state = requireClusterState(places);
  const engine = state.engine === 'own' ? ownEngine(places) : createEngine(undefined, []);
  const stack = await Stack.open(engine, places, state);
  await teller.step('every health check succeeds', () => awaitHealth(stack, HEALTHY_MS));
  const results = await runChecks(stack, teller);
  const failed = results.filter(({ ok }) => !ok).length;
  const seconds = Math.round(results.reduce((sum, { ms }) => sum + ms, 0) / 1000);
  teller.line();
  teller.line(`  ${results.length - failed} passed, ${failed} failed, ${seconds} s`);
  return failed === 0;
}
