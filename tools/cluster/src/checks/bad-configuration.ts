import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { docker } from '../engine/engine.js';
import { awaitHealth } from '../stack/await-health.js';
import { explainContainer } from '../stack/stack.js';
import type { Check, CheckedCluster } from './check.js';
import { pingStill } from './connectivity.js';
import { wrong } from './require.js';

const PATIENCE_MS = 120_000;
/** The engine calls nobody unhealthy before the start period and two intervals after it are over. */
const OFTEN = { interval: '3s', start_period: '5s' };
const WRONG_KEY = 'vtep_subnett';

/** A wrong configuration is one container's trouble. */
export const badConfigurationChecks: readonly Check[] = [
  { name: 'a wrong configuration: that container is unhealthy and says why', run: mountWrongConfiguration },
];

async function mountWrongConfiguration(cluster: CheckedCluster): Promise<string> {
  const { stack, folder } = cluster;
  const configuration = join(folder, 'master.yaml');
  const override = join(folder, 'override.yml');
  writeFileSync(configuration, stringify({ network: { [WRONG_KEY]: '44.128.0.0/20', overlays: [] } }));
  const volumes = [`${configuration}:/etc/overlay/master.yaml:ro`];
  const services = { 'master-3': { volumes, healthcheck: OFTEN } };
  writeFileSync(override, stringify({ services }));
  const started = performance.now();
  try {
    await stack.compose(['--file', override, 'up', '--detach', '--no-build', '--no-deps', 'master-3']);
    await awaitUnhealthy(cluster);
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    const { id } = await stack.container('master-3');
    const log = await docker(stack.engine, ['logs', id]).catch(() => '');
    const words = `${log}${await explainContainer(stack.engine, await stack.container('master-3'))}`;
    if (!words.includes(WRONG_KEY)) throw wrong(`the log of master-3 does not name ${WRONG_KEY}: ${words}`);
    const others = [...(await stack.containers()).values()].filter(({ service }) => service !== 'master-3');
    const ill = others.filter(({ state, health }) => state !== 'running' || health === 'unhealthy');
    if (ill.length > 0) throw wrong(`also not well: ${ill.map(({ service }) => service).join(', ')}`);
    return `unhealthy after ${seconds} s, its log names the key; ${await pingStill(cluster)}`;
  } finally {
    await stack.compose(['up', '--detach', '--no-build', '--no-deps', 'master-3']);
    await awaitHealth(stack, PATIENCE_MS);
  }
}

async function awaitUnhealthy({ stack }: CheckedCluster): Promise<void> {
  const patience = performance.now() + PATIENCE_MS;
  for (;;) {
    const { state, health } = await stack.container('master-3');
    if (state === 'running' && health === 'unhealthy') return;
    if (performance.now() > patience) throw wrong(`master-3 is ${state} and ${health}`);
    await sleep(500);
  }
}
