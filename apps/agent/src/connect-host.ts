import type { AgentConfig } from '@overlay/model';
import type { Logger } from '@overlay/service';
import type { AgentDeps } from './agent-deps.js';
import { FileCniPluginFolders } from './cni/cni-plugin-folders.js';
import { FileCniDirectory } from './cni/file-cni-directory.js';
import { dataplaneDeadlines, grpcDataplane } from './daemons/dataplane-link.js';
import { grpcIpam } from './daemons/ipam-link.js';
import { EngineDockerNetworks } from './docker/engine-docker-networks.js';
import { dockerCommands } from './probe/docker-commands.js';

/** Longest wait for overlay-ipam: it answers from memory, after one write to disk. */
const IPAM_CALL_MS = 10_000;

/** The real ports of this host. Connects at the first call. */
export function connectHost(config: AgentConfig, logger: Logger): AgentDeps['ports'] {
  const { cniBinDirs, cniDir, cniConflistDir, network, sockets } = config;
  const onUnreadable = (path: string, reason: string) =>
    logger.warn({ event: 'cni_file_unreadable', path, reason });
  return {
    dataplane: grpcDataplane(sockets.dataplane, dataplaneDeadlines(network.commandTimeoutMs)),
    ipam: grpcIpam(sockets.ipam, IPAM_CALL_MS),
    mesosFiles: new FileCniDirectory(cniDir, 'mesos', onUnreadable),
    plugins: new FileCniPluginFolders(cniBinDirs),
    conflists: new FileCniDirectory(cniConflistDir, 'conflist', onUnreadable),
    docker: new EngineDockerNetworks(sockets.docker, network.commandTimeoutMs),
    commands: dockerCommands(sockets.docker),
  };
}
