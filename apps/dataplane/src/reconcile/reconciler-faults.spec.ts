import { describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import fc from 'fast-check';
import { dumpObject } from '../kernel/fake/dump-object.js';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import { KERNEL_OBJECT_KINDS, type KernelObject, keyOf } from '../kernel/kernel-object.js';
import type { KernelTables } from '../kernel/kernel-tables.js';
import { ADMISSION_TABLE } from '../kernel/ownership.js';
import { wholeKinds } from './check-scope.js';
import { networkStandings } from './network-standing.js';
import { ALL_KINDS } from './plan-check.js';
import { Reconciler } from './reconciler.js';
import { batch, gone, HOST, peer } from './testing/host-fixture.js';

const WORDS = 'RTNETLINK answers: No buffer space available';
/** What nothing else stands on but routes on their nexthop. */
const LEAVES = new Set(['sysctl', 'fdb', 'neighbour', 'nexthop', 'route', 'rule', 'admission']);

function isOfAdmission(object: KernelObject): boolean {
  return object.kind === 'admission' || (object.kind === 'nftables' && object.name === ADMISSION_TABLE);
}

const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 });

/** One object in `rarity`, by chance but always the same for one seed (FNV-1a of its key). */
function chosen(object: KernelObject, seed: number, rarity: number): boolean {
  let hash = 0x811c9dc5 ^ seed;
  for (const char of keyOf(object)) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return (hash >>> 8) % rarity === 0;
}

async function settledHost() {
  const kernel = new FakeKernel();
  const reconciler = new Reconciler(kernel);
  await reconciler.applyHost(HOST);
  await reconciler.applyPeers(batch(peer(1), peer(2), peer(3)), true);
  return { kernel, reconciler, objects: [...reconciler.tracker.presentObjects()] };
}

describe('the reconciler in a kernel that refuses single entries at random', () => {
  it('writes all others, reports exactly those with the kernel’s words, and writes them at the next try', async () => {
    const whole = await settledHost();
    await fc.assert(
      fc.asyncProperty(seeds, fc.integer({ min: 2, max: 12 }), async (seed, rarity) => {
        const refused = (object: KernelObject) => LEAVES.has(object.kind) && chosen(object, seed, rarity);
        const kernel = new FakeKernel();
        const reconciler = new Reconciler(kernel);
        kernel.refuse((object) => (refused(object) ? WORDS : undefined));
        await reconciler.applyHost(HOST);
        await reconciler.applyPeers(batch(peer(1), peer(2), peer(3)), true);

        const lost = new Set(
          whole.objects.flatMap((object) =>
            object.kind === 'nexthop' && refused(object) ? [object.id] : [],
          ),
        );
        const onLost = ({ kind, ...rest }: KernelObject) =>
          kind === 'route' && 'target' in rest && rest.target.type === 'nexthop' && lost.has(rest.target.id);
        const missing = whole.objects.filter((object) => refused(object) || onLost(object));
        expect([...reconciler.failures.keys()].sort()).toEqual(missing.map(keyOf).sort());
        for (const { object, error } of reconciler.failures.values())
          if (refused(object)) expect(error).toBe(WORDS);
        const absent = new Set(missing.map(dumpObject));
        const rest = whole.kernel.dump().split('\n');
        expect(kernel.dump()).toBe(rest.filter((line) => !absent.has(line)).join('\n'));

        kernel.refuse(undefined);
        expect(await reconciler.resync()).toBe(missing.length);
        expect(reconciler.failures.size).toBe(0);
        expect(kernel.dump()).toBe(whole.kernel.dump());
      }),
      { numRuns: 100 },
    );
  });

  it('ends as if nothing had ever been refused, whatever was refused at which step', async () => {
    const number = fc.integer({ min: 1, max: 4 });
    const step = fc.oneof(
      number.map((n) => batch(peer(n))),
      number.map((n) => batch(peer(n, n, n + 10))),
      number.map((n) => gone(n)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, seeds), { maxLength: 12 }), async (steps) => {
        const [faulty, flawless] = [new FakeKernel(), new FakeKernel()];
        const [tried, spared] = [new Reconciler(faulty), new Reconciler(flawless)];
        for (const each of [tried, spared]) {
          await each.applyHost(HOST);
          await each.applyPeers(new Map(), true);
        }
        for (const [peers, seed] of steps) {
          faulty.refuse((object) => (chosen(object, seed, 3) ? WORDS : undefined));
          await tried.applyPeers(peers, false);
          await spared.applyPeers(peers, false);
        }
        faulty.refuse(undefined);
        await tried.resync();
        expect(faulty.dump()).toBe(flawless.dump());
        expect(tried.failures.size).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the reconciler in a kernel that goes on refusing', () => {
  async function withRefusals(refused: (object: KernelObject) => boolean) {
    const tried: KernelObject[] = [];
    const kernel = new FakeKernel();
    const refuse = () =>
      kernel.refuse((object) => {
        tried.push(object);
        return refused(object) ? WORDS : undefined;
      });
    refuse();
    const reconciler = new Reconciler(kernel);
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1), peer(2), peer(3)), true);
    return { kernel, reconciler, tried };
  }

  it.each(['link vtep1024', 'link m-dcos'])(
    'tries nothing of what stands on %s while that cannot be made, and all of it with the next reading',
    async (key) => {
      const { kernel, reconciler, tried } = await withRefusals((object) => keyOf(object) === key);
      const [, device = ''] = key.split(' ');
      expect([...reconciler.failures.keys()]).toEqual([key]);
      expect(tried.filter((object) => 'device' in object && object.device === device)).toEqual([]);
      tried.length = 0;
      await reconciler.applyPeers(batch(peer(4)), false);
      expect(tried.filter((object) => keyOf(object) === key)).toEqual([]);
      kernel.refuse(undefined);
      await reconciler.applyPeers(batch(peer(5)), false);
      await reconciler.resync();
      expect(reconciler.failures.size).toBe(0);
      const flawless = new FakeKernel();
      const spared = new Reconciler(flawless);
      await spared.applyHost(HOST);
      await spared.applyPeers(batch(peer(1), peer(2), peer(3), peer(4), peer(5)), true);
      expect(kernel.dump()).toBe(flawless.dump());
    },
  );

  it('tries what was refused again when all is read, not with each change of somebody else', async () => {
    const { kernel, reconciler, tried } = await withRefusals(({ kind }) => kind === 'fdb');
    const keys = [...reconciler.failures.keys()].sort();
    expect(keys).toHaveLength(3);
    tried.length = 0;
    await reconciler.applyPeers(batch(peer(4)), false);
    expect(tried.filter(({ kind }) => kind === 'fdb')).toHaveLength(1);
    await reconciler.applyPeers(batch(peer(1, 1, 9)), false);
    expect([...reconciler.failures.keys()]).toEqual(expect.arrayContaining(keys));
    kernel.refuse(undefined);
    await reconciler.resync();
    expect(reconciler.failures.size).toBe(0);
    const flawless = new FakeKernel();
    const spared = new Reconciler(flawless);
    await spared.applyHost(HOST);
    await spared.applyPeers(batch(peer(1, 1, 9), peer(2), peer(3), peer(4)), true);
    expect(kernel.dump()).toBe(flawless.dump());
  });

  it('never makes the admission table again without the elements that were refused with it', async () => {
    let busy = true;
    const kernel = new FakeKernel();
    kernel.refuse((object) => (busy && isOfAdmission(object) ? WORDS : undefined));
    const written: KernelObject[][] = [];
    const reconciler = new Reconciler({
      read: (scope) => kernel.read(scope),
      apply: (changes) => {
        written.push(changes.map(({ object }) => object));
        return kernel.apply(changes);
      },
    });
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1), peer(2), peer(3)), true);
    expect([...reconciler.failures.values()].filter(({ object }) => isOfAdmission(object))).toHaveLength(4);
    busy = false;
    written.length = 0;
    await reconciler.check(wholeKinds(new Set(['nftables'])));
    expect(reconciler.failures.size).toBe(0);
    expect(written.map((objects) => objects.length)).toEqual([4]);
  });

  it('writes at once what a foreign entry stood in the way of, when that goes', async () => {
    const { kernel, reconciler } = await withRefusals(({ kind }) => kind === 'nexthop');
    expect([...reconciler.failures.keys()].some((key) => key.startsWith('route'))).toBe(true);
    kernel.refuse(undefined);
    const [retried = ''] = [...reconciler.failures.keys()];
    const nothing = wholeKinds(new Set());
    const { reads } = kernel;
    await reconciler.check({ ...nothing, retries: new Set([retried]) });
    expect(kernel.reads).toBe(reads);
    expect([...reconciler.failures.keys()]).toEqual([]);
  });
});

describe('the reconciler in a kernel that cannot be read', () => {
  it('fails every network with the reason until it can be', async () => {
    const kernel = new FakeKernel();
    let readable = true;
    const tables: KernelTables = {
      read: (scope) =>
        readable
          ? kernel.read(scope)
          : Promise.reject(new OverlayError('unavailable', 'nft: Operation not supported')),
      apply: (changes) => kernel.apply(changes),
    };
    const reconciler = new Reconciler(tables);
    await reconciler.applyHost(HOST);
    expect(networkStandings(reconciler)[0]?.error).toBe('');
    readable = false;
    await expect(reconciler.applyHost(HOST)).rejects.toMatchObject({ code: 'unavailable' });
    expect(networkStandings(reconciler)[0]?.error).toBe(
      'the kernel cannot be read: nft: Operation not supported',
    );
    readable = true;
    await reconciler.resync();
    expect(networkStandings(reconciler)[0]?.error).toBe('');
  });
});

describe('the reconciler in a kernel that others damage', () => {
  it('ends in the same dump whatever went, in any order, however its checks are cut', async () => {
    const order = fc.shuffledSubarray([...KERNEL_OBJECT_KINDS], { minLength: KERNEL_OBJECT_KINDS.length });
    await fc.assert(
      fc.asyncProperty(seeds, fc.integer({ min: 1, max: 6 }), order, async (seed, rarity, kinds) => {
        const { kernel, reconciler, objects } = await settledHost();
        const healthy = kernel.dump();
        for (const object of objects) if (chosen(object, seed, rarity)) kernel.meddle('remove', object);
        for (const kind of kinds) await reconciler.check(wholeKinds(new Set([kind])));
        await reconciler.check(wholeKinds(ALL_KINDS));
        expect(kernel.dump()).toBe(healthy);
        expect(reconciler.failures.size).toBe(0);
        expect(await reconciler.check(wholeKinds(ALL_KINDS))).toEqual({
          found: [],
          repaired: [],
          written: 0,
        });
      }),
      { numRuns: 100 },
    );
  });
});
