import type { RegisterAgentResponse, WatchTopologyRequest } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { ChangeSignal } from '../change-signal.js';
import type { ConnectMaster } from './master-link.js';

/** Masters in memory, for tests. Each registers as told by its port; an unknown one is unreachable. */
export class FakeMasters {
  /** What the master at a port answers a registration: an assignment, or an error. */
  readonly answers = new Map<number, RegisterAgentResponse | OverlayError>();
  /** Ports in the order in which registrations came. */
  readonly asked: number[] = [];
  /** The topology streams that were asked for, in order; each ends at once. */
  readonly watched: WatchTopologyRequest[] = [];
  /** Which ports' masters lead, as they say themselves. Tell a change with {@link leadershipChanged}. */
  readonly leading = new Set<number>();
  readonly leadershipChanged = new ChangeSignal();
  /** How many links are open. */
  open = 0;

  readonly connect: ConnectMaster = ({ port }) => {
    this.open += 1;
    let closed = false;
    const { watched, leading, leadershipChanged } = this;
    return {
      register: async () => {
        this.asked.push(port);
        const answer = this.answers.get(port) ?? new OverlayError('unavailable', 'connection refused');
        if (answer instanceof OverlayError) throw answer;
        return answer;
      },
      report: async () => ({ registerAgain: false, nextReportWithinMs: 0 }),
      async *watchTopology(request) {
        watched.push(request);
        yield* [];
      },
      async *watchProbes() {
        yield* [];
        throw new OverlayError('unimplemented', 'this master knows no probes');
      },
      async *watchLeading(signal) {
        while (!signal.aborted) {
          const { count } = leadershipChanged;
          yield leading.has(port);
          await leadershipChanged.after(count, signal);
        }
      },
      answerProbe: async () => undefined,
      secure: false,
      close: () => {
        if (!closed) this.open -= 1;
        closed = true;
      },
    };
  };
}
