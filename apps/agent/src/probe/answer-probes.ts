import type { ProbeContainerRequest, WatchProbesResponse } from '@overlay/contracts';
import { isFailure, OverlayError, toOverlayError } from '@overlay/failure';
import { statusMessageOf } from '@overlay/rpc';
import type { LoopDeps } from '../agent-deps.js';
import type { MasterLink, ProbeOutcome } from '../registration/master-link.js';
import { untilAborted } from '../until-aborted.js';
import type { Prober } from './prober.js';

/**
 * Runs the probes that a master asks for, side by side, until the signal aborts. A master that knows no probes is
 * left alone.
 * @throws OverlayError if the master cannot be reached any more.
 */
export async function answerProbes(
  { logger, nodeId }: LoopDeps,
  prober: Prober,
  link: MasterLink,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const order of link.watchProbes(nodeId, signal)) {
      if (signal.aborted) return;
      answer(order).catch((thrown: unknown) => {
        const { message } = toOverlayError(thrown);
        if (!signal.aborted)
          logger.warn({ event: 'probe_unanswered', probe: order.probeId, reason: message });
      });
    }
  } catch (thrown) {
    if (!isFailure(thrown, 'unimplemented')) throw thrown;
    await untilAborted(signal);
  }
  if (!signal.aborted) throw new OverlayError('unavailable', 'the master ended the stream of probes');

  async function answer({ probeId, probe }: WatchProbesResponse): Promise<void> {
    const outcome = await outcomeOf(prober, probe, { trusted: link.secure, signal });
    await link.answerProbe({ nodeId, probeId, outcome }, signal);
  }
}

async function outcomeOf(
  prober: Prober,
  probe: ProbeContainerRequest | undefined,
  caller: { readonly trusted: boolean; readonly signal: AbortSignal },
): Promise<ProbeOutcome> {
  try {
    if (probe === undefined) throw OverlayError.invalid([{ field: 'probe', description: 'is missing' }]);
    return { $case: 'result', value: await prober.probe(probe, caller) };
  } catch (thrown) {
    return { $case: 'failure', value: statusMessageOf(thrown) };
  }
}
