import type { Mutation } from '@overlay/model';
import type { OverlayLog } from '@overlay/overlay-log';
import { sampleLog } from './sample-agents.js';

const IN_FLIGHT = 4;

/** Writes the log of a cluster of so many agents in the largest batches that the driver takes, and closes the log. */
export async function fillLog(log: OverlayLog, agents: number): Promise<void> {
  try {
    const leadership = await log.campaign('bench', new AbortController().signal);
    const batches = inBatches(agents, log.maxMutations);
    const lane = async (): Promise<void> => {
      for (const batch of batches) await log.commit(batch, leadership.fence);
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
    await leadership.resign();
  } finally {
    await log.close();
  }
}

function* inBatches(agents: number, size: number): Generator<readonly Mutation[]> {
  let batch: Mutation[] = [];
  for (const record of sampleLog(agents)) {
    batch.push({ op: 'put', record });
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
