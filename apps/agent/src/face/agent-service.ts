import { AgentServiceService } from '@overlay/contracts';
import type { ListenAddress } from '@overlay/model';
import {
  type HandlersOf,
  implementService,
  type RpcServer,
  requireOperator,
  startRpcServer,
  type TlsFiles,
} from '@overlay/rpc';
import { claimUnixSocket, type Logger } from '@overlay/service';
import type { AgentState } from '../agent-state.js';
import type { Prober } from '../probe/prober.js';

/** What the service is made of. */
export interface AgentServiceDeps {
  readonly address: ListenAddress;
  readonly tls: TlsFiles | undefined;
  readonly state: AgentState;
  readonly prober: Prober;
  readonly logger: Logger;
}

/** Starts the agent's gRPC face, `overlay.v1.AgentService`, for programs on the host. */
export async function startAgentService({
  address,
  tls,
  state,
  prober,
  logger,
}: AgentServiceDeps): Promise<RpcServer> {
  const onInternalError = (err: unknown, path: string) =>
    logger.error({ event: 'rpc_internal_error', path, err });
  const isLocal = address.kind === 'unix';
  const handlers = {
    getOverlays: async () => ({
      assignment: state.assignment,
      configurationAttempts: state.configurationAttempts,
      connected: state.connected,
    }),
    probeContainer: async (request, call) => {
      requireOperator(call, 'ProbeContainer');
      return prober.probe(request, { trusted: isLocal || call.isAuthenticated(), signal: call.signal });
    },
  } satisfies HandlersOf<typeof AgentServiceService>;
  const key = 'listen.grpc';
  await claimUnixSocket(key, address);
  return startRpcServer({
    listen: { key, address },
    services: [implementService(AgentServiceService, handlers, onInternalError)],
    tls: isLocal ? undefined : tls,
    onInternalError,
  });
}
