import type { KernelWatch } from '../kernel-watch.js';
import { DOCKER_CHAIN, DOCKER_COMMENT } from '../ownership.js';
import type { CommandRunner } from './command-runner.js';
import { dockerChainLines, IPTABLES } from './docker-accepts.js';
import { savedFilter } from './iptables-reader.js';

/** How long one look may take. */
const TIMEOUT_MS = 5_000;

/** What the watch works with. */
export interface LegacyMonitorOptions {
  readonly runner: CommandRunner;
  /** Resolves after the time, or when the signal aborts. */
  readonly sleep: (durationMs: number, signal: AbortSignal) => Promise<void>;
  /** Time between two looks. */
  readonly intervalMs: number;
}

/**
 * Changes of Docker's chain in iptables-legacy. The kernel tells nobody of them, so the chain is looked at from time to
 * time.
 */
export function legacyMonitor({ runner, sleep, intervalMs }: LegacyMonitorOptions): KernelWatch {
  return {
    name: 'iptables-legacy',
    async *watch(signal) {
      let before = '';
      while (!signal.aborted) {
        const now = await chains(runner).catch(() => before);
        // Rules that came and went between two looks leave no trace but that they are not there.
        if (now !== before || lacksOurs(now)) yield [{ type: 'docker' }];
        before = now;
        await sleep(intervalMs, signal);
      }
    },
  };
}

function lacksOurs(chainLines: string): boolean {
  return chainLines.includes(DOCKER_CHAIN) && !chainLines.includes(` --comment ${DOCKER_COMMENT} `);
}

async function chains(runner: CommandRunner): Promise<string> {
  const saved = await Promise.all(
    IPTABLES.filter(({ backend }) => backend === 'legacy').map((chain) =>
      savedFilter(runner, chain, { timeoutMs: TIMEOUT_MS }),
    ),
  );
  return saved.map(dockerChainLines).join('\n').trim();
}
