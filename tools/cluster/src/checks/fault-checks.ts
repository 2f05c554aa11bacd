import { docker } from '../engine/engine.js';
import { awaitHealth } from '../stack/await-health.js';
import { requireSettled } from './api-checks.js';
import { callForeign, fetchState, fetchText, findLeader, verifyLog } from './ask.js';
import type { Check, CheckedCluster } from './check.js';
import { pingEveryPair } from './connectivity.js';
import { listLostAssignments } from './kept-assignments.js';
import { hostAddress, hostNumbers, MASTERS, masterHttp } from './published.js';
import { eventually, wrong } from './require.js';

const HEALTHY_MS = 120_000;
const HOST_PARTS = ['host', 'dataplane', 'ipam', 'agent', 'runtime', 'workload-cni', 'workload-docker'];

/** What fails on real clusters, one after the other; connectivity and the log are checked during and after each. */
export const faultChecks: readonly Check[] = [
  { name: 'fault: one member of etcd stops', run: stopEtcdMember },
  { name: 'fault: the leading master is killed', run: killLeader },
  ...['dataplane', 'ipam', 'agent'].map((app) => ({
    name: `fault: overlay-${app} of host-1 is killed and started`,
    run: (cluster: CheckedCluster) => killProcess(cluster, `${app}-1`),
  })),
  { name: 'fault: a host is removed and comes back', run: replaceHost },
  { name: 'fault: an agent is deleted and comes back', run: deleteAgent },
];

async function stopEtcdMember(cluster: CheckedCluster): Promise<string> {
  const { stack } = cluster;
  await stack.compose(['stop', '--timeout', '3', 'etcd-1']);
  const during = await pingEveryPair(cluster);
  await verifyLog(cluster);
  await eventually(30_000, () => writeAndRemoveNetwork(cluster));
  await restart(cluster, 'etcd-1');
  return `${during}; a network was created and deleted meanwhile; ${await settle(cluster)}`;
}

async function killLeader(cluster: CheckedCluster): Promise<string> {
  const { leader } = await findLeader(cluster);
  const before = await fetchState(cluster, leader);
  const killed = performance.now();
  await kill(cluster, `master-${leader}`);
  const during = await pingEveryPair(cluster);
  const successor = await eventually(60_000, async () => (await findLeader(cluster)).leader);
  const ledAfter = ((performance.now() - killed) / 1000).toFixed(1);
  const lost = await eventually(30_000, async () =>
    listLostAssignments(before, await fetchState(cluster, successor)),
  );
  if (lost.length > 0) throw wrong(`master-${successor} leads, and lost: ${lost.join('; ')}`);
  await verifyLog(cluster);
  await restart(cluster, `master-${leader}`);
  return `master-${successor} leads after ${ledAfter} s; ${during}; ${await settle(cluster)}`;
}

async function killProcess(cluster: CheckedCluster, service: string): Promise<string> {
  await kill(cluster, service);
  const during = await pingEveryPair(cluster);
  await verifyLog(cluster);
  await restart(cluster, service);
  return `${during} without it; ${await settle(cluster)}`;
}

async function replaceHost(cluster: CheckedCluster): Promise<string> {
  const { stack } = cluster;
  const gone = stack.hosts;
  const others = hostNumbers(stack.hosts - 1);
  const { leader } = await findLeader(cluster);
  const before = await fetchState(cluster, leader);
  const containers = await stack.containers();
  const services = HOST_PARTS.map((part) => `${part}-${gone}`).filter((service) => containers.has(service));
  await stack.compose(['rm', '--stop', '--force', ...services]);
  const during = await pingEveryPair(cluster, others);
  await verifyLog(cluster);
  await stack.compose(['up', '--detach', '--no-build', ...services]);
  const after = await settle(cluster);
  const lost = listLostAssignments(before, await fetchState(cluster, leader));
  if (lost.length > 0) throw wrong(`the host came back with other addresses: ${lost.join('; ')}`);
  return `${during} without it; it has its block again; ${after}`;
}

async function deleteAgent(cluster: CheckedCluster): Promise<string> {
  const { stack } = cluster;
  const service = `agent-${stack.hosts}`;
  const address = hostAddress(stack.hosts);
  await stack.compose(['stop', '--timeout', '5', service]);
  const { leader } = await findLeader(cluster);
  const body = JSON.stringify({ agents: [address], force: true });
  const url = `${masterHttp(leader)}/overlay-master/agents/delete`;
  await fetchText(cluster, url, ['--header', 'content-type: application/json', '--data', body]);
  const state = await fetchState(cluster, leader);
  if (state.agents?.some(({ ip }) => ip === address) === true)
    throw wrong(`${address} is still in the state`);
  const during = await eventually(30_000, () => pingEveryPair(cluster, hostNumbers(stack.hosts - 1)));
  await verifyLog(cluster);
  await restart(cluster, service);
  return `${during} among the others; ${await settle(cluster)}`;
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

async function restart({ stack }: CheckedCluster, service: string): Promise<void> {
  const { id } = await stack.container(service);
  await docker(stack.engine, ['start', id]);
  await awaitHealth(stack, HEALTHY_MS, [service]);
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
