import type { ClusterView } from './cluster-view.js';
import { parseState } from './parse-state.js';
import { planNextPoll } from './plan-next-poll.js';

/** What a poll found. */
export type Sighting =
  | { readonly kind: 'changed'; readonly cluster: ClusterView; readonly doubt: string }
  | { readonly kind: 'unchanged'; readonly doubt: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly retryInMs: number };

/** What the master answers. */
export interface StateAnswer {
  readonly text: string;
  /** Why the master says that it may be out of date; '' while it is current. */
  readonly doubt: string;
}

/** What polling lives on. */
export interface WatchDeps {
  /** Asks for the state. Rejects with a reason for people. */
  readonly readState: () => Promise<StateAnswer>;
  /** Resolves after the pause, or earlier if there is a reason to look again. */
  readonly pause: (ms: number) => Promise<void>;
  /** Milliseconds from any start, never going back. */
  readonly monotonicMs: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** Polls the state for ever. Never throws: failures are sightings. A state that did not change is not parsed. */
export async function* watchState(deps: WatchDeps): AsyncGenerator<Sighting, never, void> {
  let known: string | undefined;
  let failures = 0;
  for (;;) {
    const startedMs = deps.monotonicMs();
    try {
      const { text, doubt } = await deps.readState();
      yield text === known
        ? { kind: 'unchanged', doubt }
        : { kind: 'changed', cluster: parseState(JSON.parse(text)), doubt };
      known = text;
      failures = 0;
      await deps.pause(planNextPoll({ failures, lastMs: deps.monotonicMs() - startedMs }, deps.random()));
    } catch (thrown) {
      failures++;
      const retryInMs = planNextPoll({ failures, lastMs: 0 }, deps.random());
      yield { kind: 'failed', reason: reasonOf(thrown), retryInMs };
      await deps.pause(retryInMs);
    }
  }
}

function reasonOf(thrown: unknown): string {
  if (thrown instanceof SyntaxError) return 'the answer is no JSON';
  return thrown instanceof Error ? thrown.message : String(thrown);
}
