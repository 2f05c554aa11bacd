import type { AgentConfig, NodeId } from '@overlay/model';
import type { Clock, Logger, Metrics, Readiness } from '@overlay/service';
import type { AgentTimings } from './agent-timings.js';
import type { FileCniDirectory } from './cni/file-cni-directory.js';
import type { HostPorts } from './configuration/configure-pass.js';
import type { DockerNetworks } from './docker/docker-networks.js';
import type { RouteSource } from './identity/underlay-address.js';
import type { ContainerCommands } from './probe/container-commands.js';
import type { ConnectMaster } from './registration/master-link.js';

/** Everything an agent is made of. */
export interface AgentDeps {
  readonly config: AgentConfig;
  readonly timings: AgentTimings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** Uniform in [0, 1), for backoff. */
  readonly random: () => number;
  /** Makes an id that no other node has. */
  readonly newNodeId: () => string;
  readonly hostName: string;
  readonly routeSource: RouteSource;
  readonly connectMaster: ConnectMaster;
  readonly ports: LoopPorts & {
    readonly mesosFiles: FileCniDirectory;
    readonly conflists: FileCniDirectory;
    readonly commands: ContainerCommands;
  };
}

/** What the loops act through. */
export interface LoopPorts extends HostPorts {
  readonly docker: DockerNetworks;
}

/** What the loops of a running agent share. */
export interface LoopDeps extends Omit<AgentDeps, 'ports'> {
  readonly ports: LoopPorts;
  readonly nodeId: NodeId;
}
