import { listLostAssignments } from '@overlay/testbed';
import { docker } from '../engine/engine.js';
import { awaitHealth } from '../stack/await-health.js';
import { startContainers } from '../stack/start-containers.js';
import { requireSettled } from './api-checks.js';
import { callForeign, fetchState, fetchText, findLeader, verifyLog } from './ask.js';
import type { Check, CheckedCluster } from './check.js';
import { pingEveryPair, pingStill } from './connectivity.js';
import { hostAddress, hostNumbers, MASTERS, masterHttp } from './published.js';
import { eventually, wrong } from './require.js';

/** Patience with machines that are short of everything; what is as it should be passes at once. */
const HEALTHY_MS = 180_000;
const SETTLED_MS = 90_000;

/** A network that is made while something is missing, to see whether that can be done. */
const EXTRA_NETWORK = { name: 'meanwhile', subnet: '10.201.0.0/16', prefix: 24 };
const NETWORK_SERVICE = 'overlay.v1.NetworkService';

/** What fails on real clusters, one after the other; connectivity and the log are checked during and after each. */
export const faultChecks: readonly Check[] = [
  { name: 'fault: one member of etcd stops', run: restored(stopEtcdMember, removeExtraNetwork) },
  { name: 'fault: the leading master is killed', run: restored(killLeader) },
  ...['dataplane', 'ipam', 'agent'].map((app) => ({
    name: `fault: overlay-${app} of host-1 is killed and started`,
    run: restored((cluster) => killProcess(cluster, `${app}-1`)),
  })),
  { name: 'fault: a host is removed and comes back', run: restored(replaceHost) },
  { name: 'fault: an agent is deleted and comes back', run: restored(deleteAgent) },
];

/**
 * A fault, and after it, also if it went otherwise than it should: everything runs again, what it made is removed, and
 * all is well.
 */
function restored(
  fault: (cluster: CheckedCluster) => Promise<string>,
  removeMade?: (cluster: CheckedCluster) => Promise<void>,
): Check['run'] {
  return async (cluster) => {
    let words: string;
    try {
      words = await fault(cluster);
    } finally {
      await startEverything(cluster);
      if (removeMade !== undefined) await eventually(SETTLED_MS, () => removeMade(cluster));
    }
    return `${words}; ${await settle(cluster)}`;
  };
}

/** Every container runs and is healthy. */
async function startEverything({ stack }: CheckedCluster): Promise<void> {
  const containers = await stack.containers();
  const stopped = [...containers.values()].filter(({ state }) => state !== 'running').map(({ id }) => id);
  if (stopped.length > 0) await docker(stack.engine, ['start', ...stopped]);
  if (stack.services.some((service) => !containers.has(service))) await startContainers(stack);
  await awaitHealth(stack, HEALTHY_MS);
}

async function stopEtcdMember(cluster: CheckedCluster): Promise<string> {
  await stop(cluster, 'etcd-1');
  const during = await pingStill(cluster);
  // The member may have led the others, and a write that was on its way to it fails.
  await eventually(SETTLED_MS, () => verifyLog(cluster));
  await eventually(SETTLED_MS, () => createExtraNetwork(cluster));
  await eventually(SETTLED_MS, () => removeExtraNetwork(cluster));
  return `${during}; a network was created and deleted meanwhile`;
}

async function killLeader(cluster: CheckedCluster): Promise<string> {
  const { leader } = await findLeader(cluster);
  const before = await fetchState(cluster, leader);
  const killed = performance.now();
  await kill(cluster, `master-${leader}`);
  const during = await pingStill(cluster);
  const successor = await eventually(SETTLED_MS, async () => (await findLeader(cluster)).leader);
  const ledAfter = ((performance.now() - killed) / 1000).toFixed(1);
  const after = await eventually(SETTLED_MS, () => fetchState(cluster, successor));
  const lost = listLostAssignments(before, after);
  if (lost.length > 0) throw wrong(`master-${successor} leads, and lost: ${lost.join('; ')}`);
  await verifyLog(cluster);
  return `master-${successor} leads after ${ledAfter} s; ${during}`;
}

async function killProcess(cluster: CheckedCluster, service: string): Promise<string> {
  await kill(cluster, service);
  const during = await pingStill(cluster);
  await verifyLog(cluster);
  return `${during} without it`;
}

async function replaceHost(cluster: CheckedCluster): Promise<string> {
  const { stack } = cluster;
  const { leader } = await findLeader(cluster);
  const before = await fetchState(cluster, leader);
  const containers = [...(await stack.containers()).values()].filter(
    ({ service }) => service.endsWith(`-${stack.hosts}`) && !isShared(service),
  );
  let during: string;
  try {
    await docker(stack.engine, ['stop', '--time', '3', ...containers.map(({ id }) => id)]);
    await docker(stack.engine, ['rm', '--force', ...containers.map(({ id }) => id)]);
    during = await pingStill(cluster, hostNumbers(stack.hosts - 1));
    await verifyLog(cluster);
  } finally {
    await startContainers(
      stack,
      containers.map(({ service }) => service),
    );
  }
  await eventually(HEALTHY_MS, () => requireSettled(cluster, leader));
  const lost = listLostAssignments(before, await fetchState(cluster, leader));
  if (lost.length > 0) throw wrong(`the host came back with other addresses: ${lost.join('; ')}`);
  return `${during} without it; it has its block again`;
}

async function deleteAgent(cluster: CheckedCluster): Promise<string> {
  const { stack } = cluster;
  const address = hostAddress(stack.hosts);
  await stop(cluster, `agent-${stack.hosts}`);
  const { leader } = await findLeader(cluster);
  const body = JSON.stringify({ agents: [address], force: true });
  const url = `${masterHttp(leader)}/overlay-master/agents/delete`;
  await fetchText(cluster, url, ['--header', 'content-type: application/json', '--data', body]);
  const state = await fetchState(cluster, leader);
  if (state.agents?.some(({ ip }) => ip === address) === true)
    throw wrong(`${address} is still in the state`);
  const during = await eventually(SETTLED_MS, () => pingStill(cluster, hostNumbers(stack.hosts - 1)));
  await verifyLog(cluster);
  return `${during} among the others`;
}

/** Masters and members of etcd have numbers, too. */
function isShared(service: string): boolean {
  return /^(?:etcd|master)-/.test(service);
}

/** Every network up on every host, everyone reaches everyone, the log right. */
async function settle(cluster: CheckedCluster): Promise<string> {
  for (const master of MASTERS) await eventually(SETTLED_MS, () => requireSettled(cluster, master));
  const pings = await eventually(SETTLED_MS, () => pingEveryPair(cluster));
  return `afterwards ${pings}, ${await verifyLog(cluster)}`;
}

async function kill({ stack }: CheckedCluster, service: string): Promise<void> {
  const { id } = await stack.container(service);
  await docker(stack.engine, ['kill', '--signal', 'KILL', id]);
}

async function stop({ stack }: CheckedCluster, service: string): Promise<void> {
  const { id } = await stack.container(service);
  await docker(stack.engine, ['stop', '--time', '5', id]);
}

/** Repeatable, as a write may have happened though its answer was lost. */
async function createExtraNetwork(cluster: CheckedCluster): Promise<void> {
  const { leader } = await findLeader(cluster);
  const request = { spec: EXTRA_NETWORK };
  const { failure } = await callForeign(cluster, leader, `${NETWORK_SERVICE}/CreateNetwork`, request);
  if (failure !== '' && !/already/i.test(failure)) throw wrong(failure.slice(-300));
}

/** Repeatable: a network that is not there is no failure. */
async function removeExtraNetwork(cluster: CheckedCluster): Promise<void> {
  const { leader } = await findLeader(cluster);
  const request = { name: EXTRA_NETWORK.name, force: true };
  const { failure } = await callForeign(cluster, leader, `${NETWORK_SERVICE}/DeleteNetwork`, request);
  if (failure !== '' && !/not.found/i.test(failure)) throw wrong(failure.slice(-300));
}
