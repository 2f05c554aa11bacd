import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { parseMacAddress } from '@overlay/allocation';
import { createLogger, Metrics } from '@overlay/service';
import fc from 'fast-check';
import { DataplaneMetrics } from '../dataplane-metrics.js';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import type { KernelObject } from '../kernel/kernel-object.js';
import type { KernelTables } from '../kernel/kernel-tables.js';
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

const RESYNC_MS = 86_400_000;
const PEERS = new Map([1, 2, 3].map((n) => [peer(n).nodeId, peer(n)]));
const SNAPSHOT = { peers: PEERS, snapshot: new Set(PEERS.keys()), revision: 1n };

/** A dataplane over a kernel, with time in its hands. */
class DataplaneUnderTest {
  readonly reconciler: Reconciler;
  readonly loop: ApplyLoop;
  readonly #clock = new HandClock();
  readonly #drift: DriftWatch;

  constructor(kernel: FakeKernel, tables: KernelTables = kernel) {
    const clock = this.#clock;
    this.reconciler = new Reconciler(tables);
    const { reconciler } = this;
    const logger = createLogger('overlay-dataplane', 'silent');
    const metrics = new DataplaneMetrics(new Metrics('overlay-dataplane'), reconciler);
    this.loop = new ApplyLoop({ reconciler, clock, random: () => 0.5, logger, metrics });
    const watches = [kernel];
    this.#drift = new DriftWatch({
      loop: this.loop,
      reconciler,
      clock,
      logger,
      watches,
      resyncMs: RESYNC_MS,
    });
  }

  /** Lets time pass in steps of 100 ms. */
  async pass(steps: number): Promise<void> {
    for (let step = 0; step < steps; step += 1) await this.#clock.advance(100);
    await this.loop.settled();
  }

  /** What it keeps in the kernel, sysctls aside. */
  objects(): readonly KernelObject[] {
    return [...this.reconciler.tracker.presentObjects()].filter(({ kind }) => kind !== 'sysctl');
  }

  async close(): Promise<void> {
    await this.#drift.close();
    await this.loop.close();
  }
}

function damageOne(kernel: FakeKernel, object: KernelObject | undefined, damage: Damage): void {
  if (object === undefined) return;
  if (damage === 'spoil') kernel.meddle('add', spoilt(object));
  else kernel.meddle('remove', object);
  if (damage === 'flap') kernel.meddle('add', object);
}

async function heal(damages: readonly (readonly [Damage, number])[]): Promise<[string, string]> {
  const kernel = new FakeKernel();
  const dataplane = new DataplaneUnderTest(kernel);
  try {
    await dataplane.loop.applyHost(HOST);
    dataplane.loop.takePeers(SNAPSHOT);
    await dataplane.pass(4);
    const healthy = withoutSysctls(kernel.dump());
    for (const [damage, which] of damages) {
      const present = dataplane.objects();
      damageOne(kernel, present[which % present.length], damage);
      // Some of it comes together, some does not.
      if (which % 3 === 0) await dataplane.pass(1);
    }
    await dataplane.pass(600);
    return [withoutSysctls(kernel.dump()), healthy];
  } finally {
    await dataplane.close();
  }
}

/** The same for what is done to the kernel of a dataplane that has just been started anew. */
async function healAtStart(
  damages: readonly (readonly [Damage, number])[],
  moment: 'while everything is read' | 'before the peers are known',
): Promise<[string, string]> {
  const kernel = new FakeKernel();
  const former = new DataplaneUnderTest(kernel);
  await former.loop.applyHost(HOST);
  former.loop.takePeers(SNAPSHOT);
  await former.pass(4);
  const objects = former.objects();
  await former.close();
  const healthy = withoutSysctls(kernel.dump());
  const damageAll = () => {
    for (const [damage, which] of damages) damageOne(kernel, objects[which % objects.length], damage);
  };
  let toRead = moment === 'while everything is read';
  const dataplane = new DataplaneUnderTest(kernel, {
    read: async (scope) => {
      const snapshot = await kernel.read(scope);
      if (toRead) damageAll();
      toRead = false;
      return snapshot;
    },
    apply: (changes) => kernel.apply(changes),
  });
  try {
    await dataplane.loop.applyHost(HOST);
    if (moment === 'before the peers are known') damageAll();
    await dataplane.pass(1);
    dataplane.loop.takePeers(SNAPSHOT);
    await dataplane.pass(600);
    return [withoutSysctls(kernel.dump()), healthy];
  } finally {
    await dataplane.close();
  }
}

/** The same for what is done to objects of a repair while it is being written: they are not known to stand there yet. */
async function healUndoneRepair(
  damages: readonly (readonly [Damage, number])[],
  undone: readonly (readonly [Damage, number])[],
): Promise<[string, string]> {
  const kernel = new FakeKernel();
  let strikes = 0;
  const dataplane = new DataplaneUnderTest(kernel, {
    read: (scope) => kernel.read(scope),
    apply: async (changes) => {
      const failures = await kernel.apply(changes);
      const written = changes.filter(({ op }) => op !== 'remove').map(({ object }) => object);
      if (strikes > 0 && written.length > 0) {
        strikes -= 1;
        for (const [damage, which] of undone) damageOne(kernel, written[which % written.length], damage);
        // The events arrive before the end of the write does.
        await setImmediate();
      }
      return failures;
    },
  });
  try {
    await dataplane.loop.applyHost(HOST);
    dataplane.loop.takePeers(SNAPSHOT);
    await dataplane.pass(4);
    const healthy = withoutSysctls(kernel.dump());
    const objects = dataplane.objects();
    strikes = 3;
    for (const [damage, which] of damages) damageOne(kernel, objects[which % objects.length], damage);
    await dataplane.pass(600);
    return [withoutSysctls(kernel.dump()), healthy];
  } finally {
    await dataplane.close();
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

  it('is repaired where a repair is undone while it is being written', async () => {
    const damage = fc.tuple(fc.constantFrom<Damage>('remove', 'flap', 'spoil'), fc.nat(1_000));
    const some = fc.array(damage, { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(some, some, async (damages, undone) => {
        const [healed, healthy] = await healUndoneRepair(damages, undone);
        expect(healed).toBe(healthy);
      }),
      { numRuns: 60 },
    );
  });

  it.each(['while everything is read', 'before the peers are known'] as const)(
    'is repaired after a start, too, if it was done %s',
    async (moment) => {
      const damage = fc.tuple(fc.constantFrom<Damage>('remove', 'flap', 'spoil'), fc.nat(1_000));
      await fc.assert(
        fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 6 }), async (damages) => {
          const [healed, healthy] = await healAtStart(damages, moment);
          expect(healed).toBe(healthy);
        }),
        { numRuns: 40 },
      );
    },
  );
});
