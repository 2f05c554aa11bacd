import { describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import { MemoryOverlayLog } from '@overlay/overlay-log/testing';
import { replicate } from './replicate.js';
import { replicaOn } from './testing.js';

/** A log that cannot be reached the first times, each time for the reason that stands there. */
class LateLog extends MemoryOverlayLog {
  readonly #reasons: string[];

  constructor(reasons: readonly string[]) {
    super();
    this.#reasons = [...reasons];
  }

  override async campaign(candidate: string, signal: AbortSignal) {
    const reason = this.#reasons.shift();
    if (reason !== undefined) throw new OverlayError('unavailable', reason);
    return super.campaign(candidate, signal);
  }
}

describe('replicate', () => {
  it('logs once why the log cannot be reached, and again when the reason changes', async () => {
    const stop = new AbortController();
    const log = new LateLog(['down', 'down', 'down', 'silent', 'down']);
    const { deps, events } = replicaOn(log, {
      onRole: (leads) => {
        if (leads) stop.abort();
      },
    });
    await replicate(deps, stop.signal);
    const reasons = events.flatMap((event) =>
      'event' in event && event.event === 'log_unavailable' && 'reason' in event ? [event.reason] : [],
    );
    expect(reasons).toEqual(['down', 'silent', 'down']);
    deps.cluster.close();
    await log.close();
  });
});
