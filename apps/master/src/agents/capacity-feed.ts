import type { Capacity } from '@overlay/contracts';
import type { Clock } from '@overlay/service';
import { isSameCapacity } from './same-rows.js';

/** What is watched, and how. */
export interface CapacityWatch {
  /** Only of this network; '' for all. */
  readonly network: string;
  readonly clock: Pick<Clock, 'sleep'>;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** Changes within this time are told together, the last of each row. */
const PACE_MS = 100;

/**
 * Tells watchers which rows of the capacity changed. A watcher that is slow is told the last state of each row and
 * not how it came about, so that what waits for it never exceeds the rows there are.
 */
export class CapacityFeed {
  readonly #watchers = new Set<(row: Capacity) => void>();

  /** Takes over what an agent reports in place of what it reported before. A row that is gone is told as empty. */
  replace(before: readonly Capacity[], after: readonly Capacity[]): void {
    if (this.#watchers.size === 0) return;
    const gone = new Map(before.map((row) => [keyOfCapacity(row), row]));
    for (const row of after) {
      const key = keyOfCapacity(row);
      const known = gone.get(key);
      gone.delete(key);
      if (known === undefined || !isSameCapacity(known, row)) this.#tell(row);
    }
    for (const row of gone.values()) this.#tell(emptied(row));
  }

  /** The rows that change from now on, in batches, until the signal aborts. Nothing is missed after the call. */
  watch({ network, clock, signal }: CapacityWatch): AsyncGenerator<readonly Capacity[]> {
    const changed = new Map<string, Capacity>();
    let wake: () => void = () => undefined;
    const take = (row: Capacity) => {
      if (network !== '' && row.network !== network) return;
      changed.set(keyOfCapacity(row), row);
      wake();
    };
    this.#watchers.add(take);
    const stop = () => {
      this.#watchers.delete(take);
      wake();
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    return (async function* batches() {
      try {
        while (!signal.aborted) {
          if (changed.size === 0) {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
          if (signal.aborted) return;
          const rows = [...changed.values()];
          changed.clear();
          yield rows;
          await clock.sleep(PACE_MS, signal);
        }
      } finally {
        signal.removeEventListener('abort', stop);
        stop();
      }
    })();
  }

  #tell(row: Capacity): void {
    for (const take of this.#watchers) take(row);
  }
}

/** Identifies a row of the whole cluster. */
function keyOfCapacity({ agentIp, network, half, family }: Capacity): string {
  return [agentIp, network, half, family].join('\n');
}

function emptied(row: Capacity): Capacity {
  const none = {
    total: 0n,
    used: 0n,
    reserved: 0n,
    cooling: 0n,
    free: 0n,
    largestBurst: 0n,
    exhaustedSinceMs: 0n,
    silent: false,
  };
  return { ...row, ...none };
}
