import {
  MasterServiceService,
  type RegisterAgentRequest,
  type RegisterAgentResponse,
  type ReportAgentRequest,
  type TopologyFrame,
} from '@overlay/contracts';
import { implementService, type RpcServer, startRpcServer } from '@overlay/rpc';

/** One open topology stream as the master sees it. */
export interface OpenWatch {
  readonly fromRevision: bigint;
  readonly signal: AbortSignal;
  send(frame: TopologyFrame): void;
  /** Ends the stream. */
  end(): void;
}

/** A master's service over real gRPC, played by a test. */
export class FakeMaster {
  readonly registrations: RegisterAgentRequest[] = [];
  readonly reports: ReportAgentRequest[] = [];
  readonly watches: OpenWatch[] = [];
  /** Decides about each registration; what it throws is the answer. */
  answer: (request: RegisterAgentRequest) => RegisterAgentResponse;
  /** Asks for another registration in the next report's answer. */
  registerAgain = false;
  readonly #server: RpcServer;

  private constructor(server: RpcServer, answer: FakeMaster['answer']) {
    this.#server = server;
    this.answer = answer;
  }

  static async start(answer: FakeMaster['answer'], port = 0): Promise<FakeMaster> {
    let master: FakeMaster | undefined;
    const self = () => {
      if (master === undefined) throw new Error('the master has not started');
      return master;
    };
    const service = implementService(
      MasterServiceService,
      {
        async registerAgent(request) {
          self().registrations.push(request);
          return self().answer(request);
        },
        async reportAgent(request) {
          self().reports.push(request);
          const { registerAgain } = self();
          self().registerAgain = false;
          return { registerAgain, nextReportWithinMs: 1000 };
        },
        watchTopology: ({ fromRevision }, { signal }) => self().#watch(fromRevision, signal),
      },
      () => undefined,
    );
    const server = await startRpcServer({
      listen: { key: 'test', address: { kind: 'tcp', host: '127.0.0.1', port } },
      services: [service],
      onInternalError: () => undefined,
    });
    master = new FakeMaster(server, answer);
    return master;
  }

  get port(): number {
    return this.#server.address.kind === 'tcp' ? this.#server.address.port : 0;
  }

  async close(): Promise<void> {
    await this.#server.close(0);
  }

  async *#watch(fromRevision: bigint, signal: AbortSignal) {
    const frames: TopologyFrame[] = [];
    let ended = false;
    let wake: () => void = () => undefined;
    this.watches.push({
      fromRevision,
      signal,
      send(frame) {
        frames.push(frame);
        wake();
      },
      end() {
        ended = true;
        wake();
      },
    });
    signal.addEventListener('abort', () => wake(), { once: true });
    while (!signal.aborted && !(ended && frames.length === 0)) {
      const frame = frames.shift();
      if (frame !== undefined) yield { frame, stale: '' };
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  }
}
