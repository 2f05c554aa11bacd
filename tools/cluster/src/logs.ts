import { spawn } from 'node:child_process';
import { requireClusterState } from './cluster-state.js';
import { createEngine } from './engine/engine.js';
import { ownEngine } from './engine/own-engine.js';
import type { ClusterPlaces } from './places.js';
import { Stack } from './stack/stack.js';

/** Shows what containers have logged, as compose does. @returns compose's exit code. */
export async function logs(places: ClusterPlaces, args: readonly string[]): Promise<number> {
  const state = requireClusterState(places);
  const engine = state.engine === 'own' ? ownEngine(places) : createEngine(undefined, []);
  const stack = await Stack.open(engine, places, state);
  const [file = '', ...rest] = stack.commandLine(['logs', ...args]);
  const child = spawn(file, rest, { stdio: 'inherit', env: stack.environment });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}
