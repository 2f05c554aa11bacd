import type { AgentNetwork } from '@overlay/contracts';
import type { NetworkProgress } from './network-progress.js';

/** What one pass over a network found. */
export type PassResult =
  | { readonly kind: 'configured' }
  | { readonly kind: 'waiting'; readonly reason: string }
  | { readonly kind: 'error'; readonly error: string }
  /** Trying again cannot help: only another assignment can. */
  | { readonly kind: 'hopeless'; readonly error: string };

/** How often each network failed since something last changed, by id. */
export type FailureCounts = ReadonlyMap<string, number>;

/** Progress after a pass. */
export interface ProgressPlan {
  readonly progress: ReadonlyMap<string, NetworkProgress>;
  readonly failures: FailureCounts;
}

/**
 * Counts a pass against `maxAttempts` (at least one attempt is always made). Waiting for a daemon uses no
 * attempt up; success forgets earlier failures.
 */
export function planProgress(
  networks: readonly AgentNetwork[],
  results: ReadonlyMap<string, PassResult>,
  before: FailureCounts,
  maxAttempts: number,
): ProgressPlan {
  const progress = new Map<string, NetworkProgress>();
  const failures = new Map<string, number>();
  for (const { networkId } of networks) {
    const result = results.get(networkId);
    const failed = before.get(networkId) ?? 0;
    switch (result?.kind) {
      case undefined:
        progress.set(networkId, { kind: 'pending' });
        break;
      case 'configured':
        progress.set(networkId, { kind: 'configured' });
        break;
      case 'waiting':
        if (failed > 0) failures.set(networkId, failed);
        progress.set(networkId, { kind: 'waiting', reason: result.reason });
        break;
      case 'hopeless':
        progress.set(networkId, { kind: 'failed', error: result.error });
        break;
      case 'error': {
        const count = failed + 1;
        failures.set(networkId, count);
        const { error } = result;
        progress.set(
          networkId,
          count < Math.max(1, maxAttempts)
            ? { kind: 'retrying', error, failures: count }
            : { kind: 'failed', error },
        );
      }
    }
  }
  return { progress, failures };
}
