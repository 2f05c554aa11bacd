import { expect, it } from '@jest/globals';
import { sampleNode } from '../sample-records.js';
import { contents, create, type LedLog, lead } from './log-steps.js';

/** Who may commit, and who is told so. */
export function describeLeadership(now: () => LedLog): void {
  it('refuses a commit under an older fence and keeps the newer', async () => {
    const { log, leadership, fence } = now();
    await leadership.resign();
    const newer = (await lead(log, 'm2')).fence;
    expect(newer.epoch).toBeGreaterThan(fence.epoch);
    await expect(log.commit([create(sampleNode(1))], fence)).rejects.toMatchObject({ code: 'aborted' });
    expect((await contents(log)).records).toEqual([]);
    await log.commit([create(sampleNode(1))], newer);
    expect((await contents(log)).records).toEqual([sampleNode(1)]);
  });

  it('refuses a fence from before a reopening once another leads, and one with a foreign candidate', async () => {
    const { opened, fence } = now();
    const reopened = await opened.reopen();
    const newer = (await lead(reopened, 'm1')).fence;
    const batch = [create(sampleNode(1))];
    await expect(reopened.commit(batch, fence)).rejects.toMatchObject({ code: 'aborted' });
    const forged = { ...newer, candidate: 'm9' };
    await expect(reopened.commit(batch, forged)).rejects.toMatchObject({ code: 'aborted' });
    expect((await contents(reopened)).records).toEqual([]);
  });

  it('voids the fence of who resigned, tells it, and allows to repeat', async () => {
    const { log, leadership, fence } = now();
    expect(leadership.lost.aborted).toBe(false);
    await leadership.resign();
    await leadership.resign();
    expect(leadership.lost.aborted).toBe(true);
    const commit = log.commit([create(sampleNode(1))], fence);
    await expect(commit).rejects.toMatchObject({ code: 'aborted' });
  });

  it('says at once that leadership is over, to whom asks', async () => {
    const { log, leadership } = now();
    expect(leadership.isOver()).toBe(false);
    await leadership.resign();
    expect(leadership.isOver()).toBe(true);
    const newer = await lead(log, 'm2');
    expect([leadership.isOver(), newer.isOver()]).toEqual([true, false]);
    await log.close();
    expect(newer.isOver()).toBe(true);
  });

  it('ends a campaign that is called off', async () => {
    const { log, fence } = now();
    await expect(log.campaign('m2', AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
    expect(await log.commit([create(sampleNode(1))], fence)).toBeGreaterThan(0n);
  });

  it('tells who leads: now, after a resignation, and after the next campaign', async () => {
    const { log, leadership } = now();
    const stop = new AbortController();
    const seen: (string | undefined)[] = [];
    for await (const leader of log.watchLeader(stop.signal)) {
      seen.push(leader);
      if (leader === 'm1') await leadership.resign();
      else if (leader === undefined) await lead(log, 'm2');
      else stop.abort();
    }
    expect(seen).toEqual(['m1', undefined, 'm2']);
  });

  it('ends the watch of the leader when the log is closed', async () => {
    const { log } = now();
    const seen: (string | undefined)[] = [];
    for await (const leader of log.watchLeader(new AbortController().signal)) {
      seen.push(leader);
      await log.close();
    }
    expect(seen[0]).toBe('m1');
  });
}
