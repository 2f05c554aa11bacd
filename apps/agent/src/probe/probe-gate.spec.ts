import { describe, expect, it } from '@jest/globals';
import { ProbeGate } from './probe-gate.js';

const never = new AbortController().signal;

const settled = () => new Promise(setImmediate);

/** Work that ends when told. */
function openWork() {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { work: () => ended, end: () => end() };
}

describe('ProbeGate', () => {
  it('runs as many as may run and lets the others wait for their turn, in order', async () => {
    const gate = new ProbeGate({ running: 2, waiting: 10 });
    const began: number[] = [];
    const works = [0, 1, 2, 3].map(() => openWork());
    const passes = works.map(({ work }, index) =>
      gate.pass(() => {
        began.push(index);
        return work();
      }, never),
    );
    await settled();
    expect(began).toEqual([0, 1]);
    works[1]?.end();
    await passes[1];
    await settled();
    expect(began).toEqual([0, 1, 2]);
    for (const { end } of works) end();
    await Promise.all(passes);
    expect(began).toEqual([0, 1, 2, 3]);
  });

  it('refuses who finds the queue full, and lets others in afterwards', async () => {
    const gate = new ProbeGate({ running: 1, waiting: 0 });
    const first = openWork();
    const pass = gate.pass(first.work, never);
    await expect(gate.pass(async () => 'in', never)).rejects.toMatchObject({ code: 'resource_exhausted' });
    first.end();
    await pass;
    await expect(gate.pass(async () => 'in', never)).resolves.toBe('in');
  });

  it('gives a place back although the work failed or its caller left the queue', async () => {
    const gate = new ProbeGate({ running: 1, waiting: 1 });
    await expect(gate.pass(() => Promise.reject(new Error('broken')), never)).rejects.toThrow('broken');
    const first = openWork();
    const pass = gate.pass(first.work, never);
    const caller = new AbortController();
    const waits = gate.pass(async () => 'in', caller.signal);
    caller.abort();
    await expect(waits).rejects.toMatchObject({ code: 'deadline_exceeded' });
    const next = gate.pass(async () => 'next', never);
    first.end();
    await pass;
    await expect(next).resolves.toBe('next');
  });
});
