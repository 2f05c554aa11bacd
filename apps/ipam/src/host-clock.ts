import { readFileSync } from 'node:fs';

/** A moment as it can be kept over restarts of the process: comparable only within one boot of the host. */
export interface HostInstant {
  /** The kernel's boot id (/proc/sys/kernel/random/boot_id). */
  readonly bootId: string;
  /** Milliseconds since that boot, of a clock that never jumps. */
  readonly uptimeMs: number;
}

/** The host's time, as a dependency so that tests can move it. */
export interface HostClock {
  /** Wall clock in Unix milliseconds: for people and records, never for durations. */
  nowMs(): number;
  /** The present moment, for durations that outlast the process. */
  instant(): HostInstant;
}

/** The clocks of this host. `nowMs` reads its wall clock. */
export function readHostClock(nowMs: () => number): HostClock {
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return {
    nowMs,
    // CLOCK_MONOTONIC counts from the boot on, unlike performance.now(), which counts from the process's start.
    instant: () => ({ bootId, uptimeMs: Number(process.hrtime.bigint() / 1_000_000n) }),
  };
}
