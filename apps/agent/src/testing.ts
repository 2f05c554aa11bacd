import { type AgentConfig, parseNodeId } from '@overlay/model';
import { createLogger, Metrics, Readiness, systemClock } from '@overlay/service';
import type { LoopDeps } from './agent-deps.js';
import { AGENT_TIMINGS } from './agent-timings.js';
import { FakeCniDirectory } from './cni/fake-cni-directory.js';
import { FakeDataplane } from './daemons/fake-dataplane.js';
import { FakeIpam } from './daemons/fake-ipam.js';
import { FakeDockerNetworks } from './docker/fake-docker-networks.js';
import { FakeMasters } from './registration/fake-masters.js';

/** What the loops of an agent live on, in memory: everything that stands outside is a fake of its own. */
export function loopDeps(config: AgentConfig, wishes: Partial<LoopDeps> = {}): LoopDeps {
  return {
    config,
    timings: AGENT_TIMINGS,
    clock: systemClock,
    logger: createLogger('test', 'silent'),
    metrics: new Metrics('test'),
    readiness: new Readiness(),
    random: () => 1,
    newNodeId: () => 'n1',
    hostName: 'h1',
    routeSource: async () => '10.0.0.1',
    connectMaster: new FakeMasters().connect,
    ports: hostPorts(new FakeDockerNetworks()),
    nodeId: parseNodeId('n1'),
    ...wishes,
  };
}

/** Daemons, files and a Docker in memory. */
export function hostPorts(docker: FakeDockerNetworks): LoopDeps['ports'] {
  return {
    dataplane: new FakeDataplane(),
    ipam: new FakeIpam(),
    mesosFiles: new FakeCniDirectory('mesos'),
    conflists: new FakeCniDirectory('conflist'),
    docker,
  };
}
