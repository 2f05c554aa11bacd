import { describe, expect, it } from '@jest/globals';
import { parseMacAddress } from '@overlay/allocation';
import { createLogger, Metrics } from '@overlay/service';
import fc from 'fast-check';
import { DataplaneMetrics } from '../dataplane-metrics.js';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import type { KernelObject } from '../kernel/kernel-object.js';
import { ApplyLoop } from './apply-loop.js';
import { DriftWatch } from './drift-watch.js';
import { Reconciler } from './reconciler.js';
import { HandClock } from './testing/hand-clock.js';
import { HOST, peer, withoutSysctls } from './testing/host-fixture.js';

/** What is done to one of our objects: it is removed, removed and put back, or given another content. */
type Damage = 'remove' | 'flap' | 'spoil';

/** The same object with another content; itself if it has none. */
function spoilt(object: KernelObject): KernelObject {
  switch (object.kind) {
    case 'neighbour':
      return { ...object, mac: parseMacAddress('02:00:00:00:00:01') };
    case 'fdb':
      return { ...object, underlay: HOST.ip };
    case 'link':
      return object.type === 'foreign' ? object : { ...object, mtuBytes: 1300 };
    case 'route':
      return object.target.type === 'unreachable'
        ? object
        : { ...object, target: { type: 'other', text: 'x' } };
    default:
      return object;
  }
}

async function heal(damages: readonly (readonly [Damage, number])[]): Promise<[string, string]> {
  const kernel = new FakeKernel();
  const clock = new HandClock();
  const reconciler = new Reconciler(kernel);
  const logger = createLogger('overlay-dataplane', 'silent');
  const metrics = new DataplaneMetrics(new Metrics('overlay-dataplane'), reconciler);
  const loop = new ApplyLoop({ reconciler, clock, random: () => 0.5, logger, metrics });
  const drift = new DriftWatch({ loop, reconciler, clock, logger, watches: [kernel], resyncMs: 86_400_000 });
  const pass = async (steps: number) => {
    for (let step = 0; step < steps; step += 1) await clock.advance(100);
    await loop.settled();
  };
  try {
    await loop.applyHost(HOST);
    const peers = new Map([1, 2, 3].map((n) => [peer(n).nodeId, peer(n)]));
    loop.takePeers({ peers, snapshot: new Set(peers.keys()), revision: 1n });
    await pass(4);
    const healthy = withoutSysctls(kernel.dump());
    for (const [damage, which] of damages) {
      const present = [...reconciler.tracker.presentObjects()].filter(({ kind }) => kind !== 'sysctl');
      const object = present[which % present.length];
      if (object === undefined) continue;
      if (damage === 'spoil') kernel.meddle('add', spoilt(object));
      else kernel.meddle('remove', object);
      if (damage === 'flap') kernel.meddle('add', object);
      // Some of it comes together, some does not.
      if (which % 3 === 0) await pass(1);
    }
    await pass(600);
    return [withoutSysctls(kernel.dump()), healthy];
  } finally {
    await drift.close();
    await loop.close();
  }
}

describe('random damage', () => {
  it('is repaired by what the events tell, before anything is compared as a whole', async () => {
    const damage = fc.tuple(fc.constantFrom<Damage>('remove', 'flap', 'spoil'), fc.nat(1_000));
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 6 }), async (damages) => {
        const [healed, healthy] = await heal(damages);
        expect(healed).toBe(healthy);
      }),
      { numRuns: 40 },
    );
  });
});
