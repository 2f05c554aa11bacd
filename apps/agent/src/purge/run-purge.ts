import { connect } from 'node:net';
import { OverlayError } from '@overlay/failure';
import { type AgentConfig, formatListenAddress, type ListenAddress } from '@overlay/model';
import { FileCniDirectory } from '../cni/file-cni-directory.js';
import { DockerRecordFile } from '../docker/docker-record-file.js';
import { EngineDockerNetworks } from '../docker/engine-docker-networks.js';
import { purgeAgent } from './purge-agent.js';

/**
 * Removes what the agent of a configuration made outside its own folder, or lists it, and prints a line for each
 * thing: `removed`, `left` or `kept` and what it is. `overlayctl host purge` reads these lines.
 * @returns the exit code: 1 if anything is left.
 * @throws OverlayError `failed_precondition` if that agent runs and something is to be removed: it would make it anew.
 */
export async function runPurge(
  config: AgentConfig,
  verify: boolean,
  print: (line: string) => void,
): Promise<0 | 1> {
  const { cniDir, cniConflistDir, network, sockets, stateDir, listen } = config;
  if (!verify && (await isListening(listen.grpc))) {
    const message = `overlay-agent runs (${formatListenAddress(listen.grpc)}): stop it first, it would make everything anew`;
    throw new OverlayError('failed_precondition', message);
  }
  const ports = {
    cniFolders: [new FileCniDirectory(cniDir, 'mesos'), new FileCniDirectory(cniConflistDir, 'conflist')],
    docker: new EngineDockerNetworks(sockets.docker, network.commandTimeoutMs),
    dockerRecord: new DockerRecordFile(stateDir),
  };
  const { removed, left } = await purgeAgent(ports, verify, new AbortController().signal);
  for (const what of removed) print(lineOf('removed', what));
  for (const what of left) print(lineOf('left', what));
  print(lineOf('kept', `${stateDir}: the node's id, by which it gets its block back`));
  return left.length === 0 ? 0 : 1;
}

/** File names and Docker's words may hold line feeds, which would make a line of their own. */
function lineOf(verb: 'removed' | 'left' | 'kept', what: string): string {
  return `${verb} ${what.replaceAll(/\s+/g, ' ')}\n`;
}

async function isListening(address: ListenAddress): Promise<boolean> {
  const socket = connect(
    address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
  );
  try {
    return await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      // A queue that is full belongs to somebody who listens (unix(7)).
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EAGAIN'));
    });
  } finally {
    socket.destroy();
  }
}
