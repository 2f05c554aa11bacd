import { readFile } from 'node:fs/promises';
import { type Configuration, LoneMaster } from '@overlay/testbed';
import { SAMPLE_NETWORK } from './sample-agents.js';

/** What recovering a log costs. */
export interface Recovery {
  /** From the start of the process until the master is ready, which it is when it leads or follows. */
  readonly readyMs: number;
  /** The most resident memory that the process had until then. */
  readonly peakBytes: number;
}

const TIMEOUT_MS = 120_000;

/** Starts a real master on a log and stops it when it is ready. */
export async function measureRecovery(log: Configuration): Promise<Recovery> {
  const startMs = performance.now();
  const master = await LoneMaster.start({ network: SAMPLE_NETWORK, log }, TIMEOUT_MS);
  try {
    const readyMs = performance.now() - startMs;
    return { readyMs, peakBytes: await peakBytes(master.pid ?? 0) };
  } finally {
    await master.close();
  }
}

/** `VmHWM` of proc_pid_status(5). */
async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
