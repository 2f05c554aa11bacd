import { listLostAssignments } from '@overlay/testbed';
import { docker } from '../engine/engine.js';
import { awaitHealth } from '../stack/await-health.js';
import { startContainers } from '../stack/start-containers.js';
import { requireSettled } from './api-checks.js';
import { callForeign, fetchState, fetchText, findLeader, verifyLog } from './ask.js';
import type { Check, CheckedCluster } from './check.js';
import { pingEveryPair } from './connectivity.js';
import { hostAddress, hostNumbers, MASTERS, masterHttp } from './published.js';
import { eventually, wrong } from './require.js';

const HEALTHY_MS = 120_000;
/** What fails on real clusters, one after the other; connectivity and the log are checked during and after each. */
export const faultChecks: readonly Check[] = [
  { name: 'fault: one member of etcd stops', run: restored(stopEtcdMember) },
  { name: 'fault: the leading master is killed', run: restored(killLeader) },
  ...['dataplane', 'ipam', 'agent'].map((app) => ({
    name: `fault: overlay-${app} of host-1 is killed and started`,
    run: restored((cluster) => killProcess(cluster, `${app}-1`)),
  })),
  { name: 'fault: a host is removed and comes back', run: restored(replaceHost) },
  { name: 'fault: an agent is deleted and comes back', run: restored(deleteAgent) },
];

/** A fault, and after it, also if it went otherwise than it should: everything runs again, and all is well. */
function restored(fault: (cluster: CheckedCluster) => Promise<string>): Check['run'] {
  return async (cluster) => {
    let words: string;
    try {
      words = await fault(cluster);
    } finally {
      await startEverything(cluster);
    }
    return `${words}; ${await settle(cluster)}`;
  };
}

async function startEverything({ stack }: CheckedCluster): Promise<void> {
  const containers = await stack.containers();
  for (const { id, state } of containers.values()) {
    if (state !== 'running') await docker(stack.engine, ['start', id]);
  }
  if (stack.services.some((service) => !containers.has(service))) await startContainers(stack);
  await awaitHealth(stack, HEALTHY_MS);
}

async function stopEtcdMember(cluster: CheckedCluster): Promise<string> {
  await cluster.stack.compose(['stop', '--timeout', '3', 'etcd-1']);
  const during = await pingEveryPair(cluster);
  await eventually(30_000, () => verifyLog(cluster)); // the member may have led the others
  await eventually(30_000, () => writeAndRemoveNetwork(cluster));
  return `${during}; a network was created and deleted meanwhile`;
}

async function killLeader(cluster: CheckedCluster): Promise<string> {
  const { leader } = await findLeader(cluster);
  const before = await fetchState(cluster, leader);
  const killed = performance.now();
  await kill(cluster, `master-${leader}`);
  const during = await pingEveryPair(cluster);
  const successor = await eventually(60_000, async () => (await findLeader(cluster)).leader);
  const ledAfter = ((performance.now() - killed) / 1000).toFixed(1);
  const after = await eventually(30_000, () => fetchState(cluster, successor));
  const lost = listLostAssignments(before, after);
  if (lost.length > 0) throw wrong(`master-${successor} leads, and lost: ${lost.join('; ')}`);
  await verifyLog(cluster);
  return `master-${successor} leads after ${ledAfter} s; ${during}`;
}

async function killProcess(cluster: CheckedCluster, service: string): Promise<string> {
  await kill(cluster, service);
  const during = await pingEveryPair(cluster);
  await verifyLog(cluster);
  return `${during} without it`;
}

async function replaceHost(cluster: CheckedCluster): Promise<string> {
  const { stack } = cluster;
  const { leader } = await findLeader(cluster);
  const before = await fetchState(cluster, leader);
  const containers = await stack.containers();
  const services = [...containers.keys()].filter(
    (service) => service.endsWith(`-${stack.hosts}`) && !isShared(service),
  );
  let during: string;
  try {
    await stack.compose(['rm', '--stop', '--force', ...services]);
    during = await pingEveryPair(cluster, hostNumbers(stack.hosts - 1));
    await verifyLog(cluster);
  } finally {
    await startContainers(stack, services);
  }
  await awaitHealth(stack, HEALTHY_MS);
  await eventually(60_000, () => requireSettled(cluster, leader));
  const lost = listLostAssignments(before, await fetchState(cluster, leader));
  if (lost.length > 0) throw wrong(`the host came back with other addresses: ${lost.join('; ')}`);
  return `${during} without it; it has its block again`;
}

async function deleteAgent(cluster: CheckedCluster): Promise<string> {
  const { stack } = cluster;
  const address = hostAddress(stack.hosts);
  await stack.compose(['stop', '--timeout', '5', `agent-${stack.hosts}`]);
  const { leader } = await findLeader(cluster);
  const body = JSON.stringify({ agents: [address], force: true });
  const url = `${masterHttp(leader)}/overlay-master/agents/delete`;
  await fetchText(cluster, url, ['--header', 'content-type: application/json', '--data', body]);
  const state = await fetchState(cluster, leader);
  if (state.agents?.some(({ ip }) => ip === address) === true)
    throw wrong(`${address} is still in the state`);
  const during = await eventually(30_000, () => pingEveryPair(cluster, hostNumbers(stack.hosts - 1)));
  await verifyLog(cluster);
  return `${during} among the others`;
}

/** Masters and members of etcd have numbers, too. */
function isShared(service: string): boolean {
  return /^(?:etcd|master)-/.test(service);
}

/** Every container healthy, every network up on every host, everyone reaches everyone, the log right. */
async function settle(cluster: CheckedCluster): Promise<string> {
  await awaitHealth(cluster.stack, HEALTHY_MS);
  for (const master of MASTERS) await eventually(60_000, () => requireSettled(cluster, master));
  const pings = await eventually(30_000, () => pingEveryPair(cluster));
  return `afterwards ${pings}, ${await verifyLog(cluster)}`;
}

async function kill({ stack }: CheckedCluster, service: string): Promise<void> {
  const { id } = await stack.container(service);
  await docker(stack.engine, ['kill', '--signal', 'KILL', id]);
}

async function writeAndRemoveNetwork(cluster: CheckedCluster): Promise<void> {
  const { leader } = await findLeader(cluster);
  const service = 'overlay.v1.NetworkService';
  const spec = { name: 'meanwhile', subnet: '10.201.0.0/16', prefix: 24 };
  const created = await callForeign(cluster, leader, `${service}/CreateNetwork`, { spec });
  if (created.failure !== '' && !/already/i.test(created.failure)) throw wrong(created.failure.slice(-300));
  const deleted = await callForeign(cluster, leader, `${service}/DeleteNetwork`, {
    name: 'meanwhile',
    force: true,
  });
  if (deleted.failure !== '' && !/not.found/i.test(deleted.failure)) throw wrong(deleted.failure.slice(-300));
}
