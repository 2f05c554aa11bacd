import { expect, it } from '@jest/globals';
import { type OverlayLog, termOf } from '../overlay-log.js';
import { sampleNode } from '../sample-records.js';
import { create, type LedLog, lead, put, take } from './log-steps.js';

/** By what a history is told from another that has the same revisions. */
export function describeTerms(now: () => LedLog): void {
  it('tells the term of its last commit, over elections and a reopening; none while it is empty', async () => {
    const { opened, log, leadership, fence } = now();
    expect(await loadedTerm(log)).toBe('');
    await log.commit([create(sampleNode(1))], fence);
    expect(await loadedTerm(log)).toBe(termOf(fence));
    await log.commit([put(sampleNode(2))], fence, { number: 1 });
    expect(await loadedTerm(log)).toBe(termOf(fence));
    await leadership.resign();
    const newer = await lead(log, 'm1');
    expect(termOf(newer.fence)).not.toBe(termOf(fence));
    expect(await loadedTerm(log)).toBe(termOf(fence));
    await log.commit([], newer.fence, { number: 1 });
    expect(await loadedTerm(log)).toBe(termOf(newer.fence));
    expect(await loadedTerm(await opened.reopen())).toBe(termOf(newer.fence));
  });

  it('tells watchers the term of each commit', async () => {
    const { log, leadership, fence } = now();
    await log.commit([create(sampleNode(1))], fence, { number: 1 });
    await log.commit([create(sampleNode(2))], fence);
    await leadership.resign();
    const newer = await lead(log, 'm2');
    await log.commit([], newer.fence, { number: 1 });
    const terms = (await take(log, 0n, 3)).map(({ term }) => term);
    expect(terms).toEqual([termOf(fence), termOf(fence), termOf(newer.fence)]);
  });
}

async function loadedTerm(log: OverlayLog): Promise<string> {
  const { term, records } = await log.load();
  for await (const _ of records);
  return term;
}
