import { MasterServiceService } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { createRpcClient } from '@overlay/rpc';
import { sampleIp } from './sample-agents.js';

/** Registrations that wait for their answer at any time; a master commits what waits together. */
export const IN_FLIGHT = 256;
const WARM_UP_MS = 2_000;

/**
 * How many new agents a master registers per second, each durable before its answer, measured over so many
 * seconds after a warm-up.
 * @param present agents in the log already; the new ones have the numbers after theirs.
 * @throws OverlayError what a registration fails with.
 */
export async function registrationsPerSecond(
  master: string,
  present: number,
  seconds: number,
): Promise<number> {
  const client = createRpcClient(MasterServiceService, { target: master, timeoutMs: 10_000 });
  const networkConfig = { allocateSubnet: true, mesosBridge: true, dockerBridge: true };
  const startMs = performance.now();
  const fromMs = startMs + WARM_UP_MS;
  const untilMs = fromMs + seconds * 1_000;
  let next = present;
  let counted = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      const index = next;
      next += 1;
      const { assignment } = await client.registerAgent({
        nodeId: `joining-${index}`,
        ip: sampleIp(index),
        networkConfig,
        attributes: {},
      });
      if (assignment?.networks[0]?.subnet === '') {
        throw new OverlayError('internal', `agent ${index} was registered without a block`);
      }
      const nowMs = performance.now();
      if (nowMs >= fromMs && nowMs < untilMs) counted += 1;
    }
  };
  try {
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  } finally {
    client.close();
  }
  return counted / seconds;
}
