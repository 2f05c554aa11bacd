import { describe, expect, it } from '@jest/globals';
import { AllocationHalf, Capacity } from '@overlay/contracts';
import { CapacityFeed } from './capacity-feed.js';

const clock = { sleep: () => Promise.resolve() };

function row(agentIp: string, free: number, network = 'dcos'): Capacity {
  return Capacity.fromPartial({
    agentIp,
    network,
    half: AllocationHalf.CNI,
    family: 4,
    total: 30n,
    used: BigInt(30 - free),
    free: BigInt(free),
  });
}

function watching(network = '') {
  const feed = new CapacityFeed();
  const stop = new AbortController();
  const batches = feed.watch({ network, clock, signal: stop.signal });
  const next = async () => {
    const { value, done } = await batches.next();
    return done ? 'ended' : (value as readonly Capacity[]);
  };
  return { feed, next, stop: () => stop.abort() };
}

describe('CapacityFeed', () => {
  it('tells rows that are new or changed, and none that is the same', async () => {
    const { feed, next } = watching();
    feed.replace([], [row('10.0.0.1', 30), row('10.0.0.1', 30, 'other')]);
    expect(await next()).toEqual([row('10.0.0.1', 30), row('10.0.0.1', 30, 'other')]);
    feed.replace(
      [row('10.0.0.1', 30), row('10.0.0.1', 30, 'other')],
      [row('10.0.0.1', 29), row('10.0.0.1', 30, 'other')],
    );
    expect(await next()).toEqual([row('10.0.0.1', 29)]);
  });

  it('tells a row that is gone once more, as empty', async () => {
    const { feed, next } = watching();
    feed.replace([row('10.0.0.1', 30)], []);
    expect(await next()).toEqual([expect.objectContaining({ agentIp: '10.0.0.1', total: 0n, free: 0n })]);
  });

  it('tells a slow watcher the last state of each row', async () => {
    const { feed, next } = watching();
    for (let free = 30; free > 0; free -= 1)
      feed.replace([row('10.0.0.1', free)], [row('10.0.0.1', free - 1)]);
    expect(await next()).toEqual([row('10.0.0.1', 0)]);
  });

  it('tells only of the network that is watched', async () => {
    const { feed, next } = watching('other');
    feed.replace([], [row('10.0.0.1', 30), row('10.0.0.1', 30, 'other')]);
    expect(await next()).toEqual([row('10.0.0.1', 30, 'other')]);
  });

  it('ends when it is told to, also while it waits', async () => {
    const { next, stop } = watching();
    const waits = next();
    stop();
    expect(await waits).toBe('ended');
  });
});
