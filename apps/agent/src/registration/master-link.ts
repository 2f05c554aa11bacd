import {
  type AnswerProbeRequest,
  HealthCheckResponse_ServingStatus,
  HealthService,
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
  /** Whether the master leads, as it says itself: at once, and whenever that changes. */
  watchLeading(signal: AbortSignal): AsyncIterable<boolean>;
  /** True if a certificate vouches for the master. */
  readonly secure: boolean;
  /** Repeatable. */
  close(): void;
}

/** Makes a link to the master at an address; connects at the first call. */
export type ConnectMaster = (address: MasterAddress) => MasterLink;

/** What a master's health check answers for its leadership under. */
const LEADERSHIP_HEALTH_KEY = 'overlay.leader';

/** Links over gRPC. */
export function grpcMasters(tls: TlsFiles | undefined, timeoutMs: number): ConnectMaster {
  return (address) => {
    const target = formatListenAddress({ kind: 'tcp', ...address });
    const methods = { ...MasterServiceService, watchHealth: HealthService.watch };
    const client = createRpcClient(methods, { target, tls, timeoutMs });
    return {
      register: (request, signal) => client.registerAgent(request, { signal, timeoutMs }),
      report: (request, signal) => client.reportAgent(request, { signal, timeoutMs }),
      watchTopology: (request, signal) => client.watchTopology(request, { signal }),
      watchProbes: (nodeId, signal) => client.watchProbes({ nodeId }, { signal }),
      async answerProbe(answer, signal) {
        await client.answerProbe(answer, { signal, timeoutMs });
      },
      async *watchLeading(signal) {
        for await (const { status } of client.watchHealth({ service: LEADERSHIP_HEALTH_KEY }, { signal })) {
          yield status === HealthCheckResponse_ServingStatus.SERVING;
        }
      },
      secure: tls !== undefined,
      close: () => client.close(),
    };
  };
}
