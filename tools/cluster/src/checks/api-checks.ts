import { listUnsettled } from '@overlay/testbed';
import { askForeign, callForeign, fetchState, fetchText, findLeader, verifyLog } from './ask.js';
import type { Check, CheckedCluster } from './check.js';
import {
  agentHttp,
  ETCD_MEMBERS,
  etcdEndpoint,
  hostAddress,
  hostNumbers,
  MASTERS,
  masterAdvertised,
  masterHttp,
} from './published.js';
import { eventually, outputOf, wrong } from './require.js';

/** Networks of deploy/compose/master-*.yaml. */
export const NETWORKS = ['dcos', 'dcos6'];

const SETTLED_MS = 60_000;

/** What the processes answer, over gRPC, HTTP, and in the log. */
export const apiChecks: readonly Check[] = [
  { name: 'gRPC: every master is SERVING', run: checkHealth },
  { name: 'gRPC: networks, state and capacity from every master', run: checkReads },
  { name: 'gRPC: a follower refuses a write and names the leader', run: refuseWrite },
  { name: 'HTTP: probes, metrics, page and state of every master', run: checkMasterHttp },
  { name: 'HTTP: every agent tells its networks', run: checkAgentHttp },
  { name: 'etcd: every member is healthy and holds the log', run: checkEtcd },
  { name: 'the overlay log keeps every rule', run: verifyLog },
];

/** The agents of every host are registered and every network is STATUS_OK. */
export async function requireSettled(
  cluster: CheckedCluster,
  master: number,
  hosts: readonly number[] = hostNumbers(cluster.stack.hosts),
): Promise<void> {
  const unsettled = listUnsettled(await fetchState(cluster, master), hosts.map(hostAddress), NETWORKS);
  if (unsettled.length > 0) throw wrong(`master-${master} says: ${unsettled.join('; ')}`);
}

async function checkHealth(cluster: CheckedCluster): Promise<string> {
  for (const master of MASTERS) {
    const { status } = (await askForeign(cluster, master, 'grpc.health.v1.Health/Check')) as {
      status?: string;
    };
    if (status !== 'SERVING') throw wrong(`master-${master} is ${status}`);
  }
  return `${MASTERS.length} masters`;
}

async function checkReads(cluster: CheckedCluster): Promise<string> {
  const service = 'overlay.v1.NetworkService';
  let capacities = 0;
  for (const master of MASTERS) {
    const listed = JSON.stringify(await askForeign(cluster, master, `${service}/ListNetworks`));
    for (const network of NETWORKS) {
      if (!listed.includes(`"${network}"`)) throw wrong(`master-${master} does not list ${network}`);
    }
    const state = JSON.stringify(await askForeign(cluster, master, `${service}/GetState`));
    for (const host of hostNumbers(cluster.stack.hosts)) {
      if (!state.includes(`"${hostAddress(host)}"`))
        throw wrong(`master-${master} lacks ${hostAddress(host)}`);
    }
    const capacity = (await askForeign(cluster, master, `${service}/GetCapacity`)) as {
      readonly capacities?: readonly { readonly free?: string }[];
    };
    capacities = capacity.capacities?.filter(({ free }) => Number(free) > 0).length ?? 0;
    if (capacities < cluster.stack.hosts) throw wrong(`master-${master} tells ${capacities} capacities`);
  }
  return `${MASTERS.length} masters, ${capacities} capacities each`;
}

async function refuseWrite(cluster: CheckedCluster): Promise<string> {
  const { leader, followers } = await findLeader(cluster);
  const request = { spec: { name: 'refused', subnet: '10.200.0.0/16', prefix: 24 } };
  for (const follower of followers) {
    const method = 'overlay.v1.NetworkService/CreateNetwork';
    const { failure } = await callForeign(cluster, follower, method, request);
    const trailer = /overlay-leader: *(\S+)/i.exec(failure)?.[1];
    if (!/unavailable|grpc-status: 14/i.test(failure))
      throw wrong(`master-${follower} took a write: ${failure}`);
    if (trailer !== masterAdvertised(leader)) {
      throw wrong(`master-${follower} names ${trailer} as the leader instead of ${masterAdvertised(leader)}`);
    }
  }
  return `both name ${masterAdvertised(leader)}`;
}

async function checkMasterHttp(cluster: CheckedCluster): Promise<string> {
  for (const master of MASTERS) {
    const http = masterHttp(master);
    for (const path of ['/healthz', '/readyz']) await fetchText(cluster, `${http}${path}`);
    const metrics = await fetchText(cluster, `${http}/metrics`);
    if (!metrics.includes('overlay_master_log_revision'))
      throw wrong(`${http}/metrics lacks the log's revision`);
    if (!/<html/i.test(await fetchText(cluster, `${http}/`))) throw wrong(`${http}/ is no page`);
    await eventually(SETTLED_MS, () => requireSettled(cluster, master)); // a report is on its way for a moment
  }
  return `${MASTERS.length} masters, ${cluster.stack.hosts} agents STATUS_OK`;
}

async function checkAgentHttp(cluster: CheckedCluster): Promise<string> {
  for (const host of hostNumbers(cluster.stack.hosts)) {
    const answer = await fetchText(cluster, `${agentHttp(host)}/overlay-agent/overlay`);
    const agent = JSON.parse(answer) as { readonly ip: string };
    if (agent.ip !== hostAddress(host)) throw wrong(`the agent of host-${host} is ${agent.ip}`);
    await fetchText(cluster, `${agentHttp(host)}/readyz`);
  }
  return `${cluster.stack.hosts} agents`;
}

async function checkEtcd({ stack }: CheckedCluster): Promise<string> {
  const endpoints = `--endpoints=${ETCD_MEMBERS.map(etcdEndpoint).join(',')}`;
  const ask = async (...args: readonly string[]): Promise<string> =>
    outputOf(
      `etcdctl ${args.join(' ')}`,
      await stack.outside(['env', 'ETCDCTL_API=3', 'etcdctl', endpoints, ...args]),
    );
  await ask('endpoint', 'health');
  const keys = (await ask('get', '--prefix', '/overlay/', '--keys-only')).split('\n').filter(Boolean);
  if (keys.length < 4 * stack.hosts) throw wrong(`the log has ${keys.length} keys only`);
  return `${ETCD_MEMBERS.length} members, ${keys.length} keys`;
}
