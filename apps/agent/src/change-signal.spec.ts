import { describe, expect, it } from '@jest/globals';
import { systemClock } from '@overlay/service';
import { ChangeSignal } from './change-signal.js';

describe('ChangeSignal', () => {
  it('does not lose what was raised before the wait', async () => {
    const change = new ChangeSignal();
    const seen = change.count;
    change.raise();
    await change.after(seen, new AbortController().signal);
    expect(change.count).toBe(seen + 1);
  });

  it('wakes everybody who waits', async () => {
    const change = new ChangeSignal();
    const never = new AbortController().signal;
    const waiters = [change.after(0, never), change.after(0, never)];
    change.raise();
    await expect(Promise.all(waiters)).resolves.toHaveLength(2);
  });

  it('ends a wait when the signal aborts, before and after it began', async () => {
    const change = new ChangeSignal();
    const stop = new AbortController();
    const waiting = change.after(0, stop.signal);
    stop.abort();
    await waiting;
    await change.after(0, stop.signal);
    expect(change.count).toBe(0);
  });

  it('says whether it was raised within a time', async () => {
    const change = new ChangeSignal();
    const never = new AbortController().signal;
    expect(await change.within(0, 1, systemClock, never)).toBe(false);
    const waiting = change.within(0, 600_000, systemClock, never);
    change.raise();
    expect(await waiting).toBe(true);
  });
});
