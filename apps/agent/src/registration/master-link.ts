import {
  MasterServiceService,
  type RegisterAgentRequest,
  type RegisterAgentResponse,
  type ReportAgentRequest,
  type ReportAgentResponse,
  type TopologyFrame,
} from '@overlay/contracts';
import { formatListenAddress, type MasterAddress } from '@overlay/model';
import { createRpcClient, type TlsFiles } from '@overlay/rpc';

/** One master as the agent talks to it. Every failure is an OverlayError. */
export interface MasterLink {
  register(request: RegisterAgentRequest, signal: AbortSignal): Promise<RegisterAgentResponse>;
  report(request: ReportAgentRequest, signal: AbortSignal): Promise<ReportAgentResponse>;
  /** Ends when the master ends it or the signal aborts; a broken connection is an error. */
  watchTopology(nodeId: string, fromRevision: bigint, signal: AbortSignal): AsyncIterable<TopologyFrame>;
  /** Repeatable. */
  close(): void;
}

/** Makes a link to the master at an address; connects at the first call. */
export type ConnectMaster = (address: MasterAddress) => MasterLink;

/** Links over gRPC. */
export function grpcMasters(tls: TlsFiles | undefined, timeoutMs: number): ConnectMaster {
  return (address) => {
    const target = formatListenAddress({ kind: 'tcp', ...address });
    const client = createRpcClient(MasterServiceService, { target, tls, timeoutMs });
    return {
      register: (request, signal) => client.registerAgent(request, { signal, timeoutMs }),
      report: (request, signal) => client.reportAgent(request, { signal, timeoutMs }),
      async *watchTopology(nodeId, fromRevision, signal) {
        for await (const { frame } of client.watchTopology({ nodeId, fromRevision }, { signal })) {
          if (frame !== undefined) yield frame;
        }
      },
      close: () => client.close(),
    };
  };
}
