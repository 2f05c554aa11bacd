import {
  type AnswerProbeRequest,
  MasterServiceService,
  type RegisterAgentRequest,
  type RegisterAgentResponse,
  type ReportAgentRequest,
  type ReportAgentResponse,
  type WatchProbesResponse,
  type WatchTopologyRequest,
  type WatchTopologyResponse,
} from '@overlay/contracts';
import { formatListenAddress, type MasterAddress } from '@overlay/model';
import { createRpcClient, type TlsFiles } from '@overlay/rpc';

/** What came of a probe, as the master is told. */
export type ProbeOutcome = NonNullable<AnswerProbeRequest['outcome']>;

/** One master as the agent talks to it. Every failure is an OverlayError. */
export interface MasterLink {
  register(request: RegisterAgentRequest, signal: AbortSignal): Promise<RegisterAgentResponse>;
  report(request: ReportAgentRequest, signal: AbortSignal): Promise<ReportAgentResponse>;
  /** Ends when the master ends it or the signal aborts; a broken connection is an error. */
  watchTopology(request: WatchTopologyRequest, signal: AbortSignal): AsyncIterable<WatchTopologyResponse>;
  /** The probes that the master wants to be run, until the signal aborts. */
  watchProbes(nodeId: string, signal: AbortSignal): AsyncIterable<WatchProbesResponse>;
  /** Gives the outcome of one of them. */
  answerProbe(answer: AnswerProbeRequest, signal: AbortSignal): Promise<void>;
  /** True if a certificate vouches for the master. */
  readonly secure: boolean;
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
      watchTopology: (request, signal) => client.watchTopology(request, { signal }),
      watchProbes: (nodeId, signal) => client.watchProbes({ nodeId }, { signal }),
      async answerProbe(answer, signal) {
        await client.answerProbe(answer, { signal, timeoutMs });
      },
      secure: tls !== undefined,
      close: () => client.close(),
    };
  };
}
