import { AgentServiceService } from '@overlay/contracts';
import type { ListenAddress } from '@overlay/model';
import { implementService, type RpcServer, startRpcServer, type TlsFiles } from '@overlay/rpc';
import { claimUnixSocket, type Logger } from '@overlay/service';
import type { AgentState } from '../agent-state.js';

/** Starts the agent's gRPC face, `overlay.v1.AgentService`, for programs on the host. */
export async function startAgentService(
  address: ListenAddress,
  tls: TlsFiles | undefined,
  state: AgentState,
  logger: Logger,
): Promise<RpcServer> {
  const onInternalError = (err: unknown, path: string) =>
    logger.error({ event: 'rpc_internal_error', path, err });
  const getOverlays = async () => ({
    assignment: state.assignment,
    configurationAttempts: state.configurationAttempts,
    connected: state.connected,
  });
  const key = 'listen.grpc';
  await claimUnixSocket(key, address);
  return startRpcServer({
    listen: { key, address },
    services: [implementService(AgentServiceService, { getOverlays }, onInternalError)],
    tls: address.kind === 'unix' ? undefined : tls,
    onInternalError,
  });
}
