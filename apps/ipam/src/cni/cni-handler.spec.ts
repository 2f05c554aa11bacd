import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import { Metrics } from '@overlay/service';
import { AddressBook } from '../allocation/address-book.js';
import { parseContainerId, parseInterfaceName } from '../allocation/owner.js';
import { planAllocation } from '../allocation/plan-allocation.js';
import { planPools } from '../allocation/plan-pools.js';
import { MemoryNamespaces } from '../collection/memory-namespaces.js';
import { createOperationMeter } from '../ipam-metrics.js';
import { ManualHostClock } from '../manual-host-clock.js';
import { MemoryAllocationStore } from '../store/memory-allocation-store.js';
import { type CniHandlerDeps, handleCniCall, handleQueuedDeletion } from './cni-handler.js';

const ALLOCATED_AT_MS = 1_000_000;
const CONFIG = JSON.stringify({ cniVersion: '1.0.0', name: 'dcos' });

function environment(command: string, containerId = 'c1') {
  return {
    CNI_COMMAND: command,
    CNI_CONTAINERID: containerId,
    CNI_NETNS: '/run/netns/c1',
    CNI_IFNAME: 'eth0',
  };
}

describe('handleCniCall', () => {
  let store: MemoryAllocationStore;
  let deps: CniHandlerDeps;
  let namespaces: MemoryNamespaces;

  beforeEach(async () => {
    store = new MemoryAllocationStore();
    const clock = new ManualHostClock();
    const book = await AddressBook.open(store, clock.instant());
    const [networkId, network] = [parseNetworkId('n1'), parseNetworkName('dcos')];
    const pool = { networkId, network, half: 'cni', subnet: parseCidr('9.0.1.0/29') } as const;
    await book.change((state) => planPools(state, [pool]));
    const meter = createOperationMeter(new Metrics('test'), () => 0);
    namespaces = new MemoryNamespaces();
    const settleDeletions = async () => undefined;
    const cooldown = { cooldownMs: 30_000, rememberedCount: 100 };
    deps = { book, meter, clock, namespaces, cooldown, settleDeletions };
  });

  const allocations = () => deps.book.read((state) => [...state.allocations()].length);

  it('records namespace, time and boot with what it gives', async () => {
    await expect(handleCniCall(environment('ADD'), CONFIG, deps)).resolves.toMatchObject({ ok: true });
    const [record] = await deps.book.read((state) => [...state.allocations()]);
    expect(record).toMatchObject({
      networkId: 'n1',
      half: 'cni',
      owner: { containerId: 'c1', interface: 'eth0' },
      networkNamespace: '/run/netns/c1',
      allocatedAtMs: ALLOCATED_AT_MS,
      bootId: 'boot',
    });
  });

  it('answers code 11 when the store cannot be written', async () => {
    store.fails = () => true;
    const answer = await handleCniCall(environment('ADD'), CONFIG, deps);
    expect(answer).toMatchObject({ ok: false, error: { code: 11 } });
    expect(await allocations()).toBe(0);
  });

  it('answers code 102 to CHECK when prevResult names other addresses', async () => {
    await handleCniCall(environment('ADD'), CONFIG, deps);
    const previous = { ips: [{ address: '9.0.1.6/29' }] };
    const stdin = JSON.stringify({ cniVersion: '1.0.0', name: 'dcos', prevResult: previous });
    const answer = await handleCniCall(environment('CHECK'), stdin, deps);
    expect(answer).toMatchObject({ ok: false, error: { code: 102 } });
  });

  it('answers code 102 to CHECK when prevResult names more addresses of the half than are held', async () => {
    await handleCniCall(environment('ADD'), CONFIG, deps);
    const check = (address: string) => {
      const previous = { ips: [{ address: '9.0.1.2/29' }, { address }] };
      const stdin = JSON.stringify({ cniVersion: '1.0.0', name: 'dcos', prevResult: previous });
      return handleCniCall(environment('CHECK'), stdin, deps);
    };
    expect(await check('9.0.1.6/29')).toMatchObject({
      ok: false,
      error: { code: 102, msg: expect.stringContaining('9.0.1.6/29') },
    });
    for (const others of ['10.0.0.6/24', 'fd00::6/64', 'junk']) {
      expect(await check(others)).toEqual({ ok: true, result: undefined });
    }
  });

  it('answers CHECK whatever the spelling of the addresses in prevResult', async () => {
    const [networkId, network] = [parseNetworkId('n1'), parseNetworkName('dcos')];
    const pool = { networkId, network, half: 'cni', subnet6: parseCidr('fd01:b::/81') } as const;
    await deps.book.change((state) => planPools(state, [pool]));
    await handleCniCall(environment('ADD'), CONFIG, deps);
    const check = (address: string) => {
      const config = { cniVersion: '1.0.0', name: 'dcos', prevResult: { ips: [{ address }] } };
      return handleCniCall(environment('CHECK'), JSON.stringify(config), deps);
    };
    expect(await check('FD01:B:0:0:0:0:0:2/81')).toEqual({ ok: true, result: undefined });
    expect(await check('FD01:B:0:0:0:0:0:3/81')).toMatchObject({ ok: false, error: { code: 102 } });
  });

  it('answers DEL although the configuration is one that ADD refuses', async () => {
    await handleCniCall(environment('ADD'), CONFIG, deps);
    const del = (keys: Readonly<Record<string, unknown>>) =>
      handleCniCall(environment('DEL'), JSON.stringify({ cniVersion: '1.0.0', name: 'dcos', ...keys }), deps);
    expect(await del({ name: 'n'.repeat(14) })).toEqual({ ok: true, result: undefined });
    expect(await allocations()).toBe(1);
    expect(await del({ runtimeConfig: { ips: ['junk'] }, args: null })).toEqual({
      ok: true,
      result: undefined,
    });
    expect(await allocations()).toBe(0);
  });

  it('answers GC by releasing what is not among the attachments, and nothing of a framework', async () => {
    for (const id of ['c1', 'c2', 'c3']) await handleCniCall(environment('ADD', id), CONFIG, deps);
    const owner = { containerId: parseContainerId('framework'), interface: parseInterfaceName('eth0') };
    const place = { network: 'dcos', half: 'cni', owner, ownerKind: 'framework' } as const;
    const wish = {
      ...place,
      networkNamespace: '/run/netns/framework',
      requestedIps: [],
      labels: {},
      nowMs: 1,
      at: deps.clock.instant(),
      cooldown: deps.cooldown,
    };
    await deps.book.change((state) => planAllocation(state, wish));
    const gc = (valid: unknown, cniVersion = '1.1.0') => {
      const key = valid === undefined ? {} : { 'cni.dev/valid-attachments': valid };
      return handleCniCall({ CNI_COMMAND: 'GC' }, JSON.stringify({ cniVersion, name: 'dcos', ...key }), deps);
    };
    expect(await gc(undefined)).toMatchObject({ ok: false, error: { code: 7 } });
    expect(await gc([{ containerID: 1 }])).toMatchObject({ ok: false, error: { code: 7 } });
    expect(await gc([], '1.0.0')).toMatchObject({ ok: false, error: { code: 1 } });
    expect(await allocations()).toBe(4);
    const valid = [
      { containerID: 'c2', ifname: 'eth0' },
      { containerID: 'c3', ifname: 'eth1' },
    ];
    expect(await gc(valid)).toEqual({ ok: true, result: undefined });
    const left = await deps.book.read((state) => [...state.allocations()]);
    expect(left.map((record) => record.owner.containerId)).toEqual(['c2', 'framework']);
    expect(await gc(null)).toEqual({ ok: true, result: undefined });
    expect(await allocations()).toBe(1);
  });

  it('answers STATUS with code 50 when containers cannot be started', async () => {
    const status = (name: string) =>
      handleCniCall({ CNI_COMMAND: 'STATUS' }, JSON.stringify({ cniVersion: '1.1.0', name }), deps);
    expect(await status('dcos')).toEqual({ ok: true, result: undefined });
    expect(await status('other')).toMatchObject({ ok: false, error: { code: 50 } });
    for (let id = 0; id < 5; id += 1) await handleCniCall(environment('ADD', `c${id}`), CONFIG, deps);
    expect(await status('dcos')).toMatchObject({
      ok: false,
      error: { code: 50, msg: expect.stringContaining('5 of 5 IPv4 addresses') },
    });
  });

  it('records whether the namespace was there, and that a container came again elsewhere', async () => {
    await handleCniCall(environment('ADD'), CONFIG, deps);
    const first = (await deps.book.read((state) => [...state.allocations()]))[0];
    expect(first?.namespaceSeen).toBeUndefined();
    namespaces.add('/run/netns/c1');
    await handleCniCall(environment('ADD'), CONFIG, deps);
    const second = (await deps.book.read((state) => [...state.allocations()]))[0];
    expect(second).toEqual({ ...first, namespaceSeen: true });
    const elsewhere = { ...environment('ADD'), CNI_NETNS: '/run/netns/c1b' };
    await handleCniCall(elsewhere, CONFIG, deps);
    const third = (await deps.book.read((state) => [...state.allocations()]))[0];
    expect(third).toEqual({ ...first, networkNamespace: '/run/netns/c1b' });
  });

  it('changes nothing for a caller that has gone', async () => {
    const until = (untilMs: number, command: string) =>
      handleCniCall(environment(command), CONFIG, deps, { untilMs, isGone: () => false });
    expect(await until(ALLOCATED_AT_MS, 'ADD')).toMatchObject({ ok: false, error: { code: 11 } });
    expect(await allocations()).toBe(0);
    expect(await until(ALLOCATED_AT_MS + 1, 'ADD')).toMatchObject({ ok: true });
    expect(await until(ALLOCATED_AT_MS, 'DEL')).toMatchObject({ ok: false, error: { code: 11 } });
    expect(await allocations()).toBe(1);
  });

  it('performs what is queued before a container is added again, which then keeps its address', async () => {
    const queued = () => handleQueuedDeletion(environment('DEL'), CONFIG, ALLOCATED_AT_MS, deps);
    await handleCniCall(environment('ADD'), CONFIG, deps);
    const first = (await deps.book.read((state) => [...state.allocations()]))[0];
    const settling = { ...deps, settleDeletions: async () => void (await queued()) };
    await handleCniCall(environment('ADD'), CONFIG, settling);
    const second = (await deps.book.read((state) => [...state.allocations()]))[0];
    expect(second?.addresses).not.toEqual(first?.addresses);
  });

  it('performs DEL behind an ADD that came before and waits for the queue', async () => {
    let settle: () => void = () => undefined;
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const settling = { ...deps, settleDeletions: () => settled };
    const calls = [
      handleCniCall(environment('ADD'), CONFIG, settling),
      handleCniCall(environment('DEL'), CONFIG, settling),
    ];
    await setImmediate();
    settle();
    expect(await Promise.all(calls)).toMatchObject([{ ok: true }, { ok: true, result: undefined }]);
    expect(await allocations()).toBe(0);
  });

  it('performs DEL although it cannot tell what is queued', async () => {
    await handleCniCall(environment('ADD'), CONFIG, deps);
    const settleDeletions = () => Promise.reject(new OverlayError('unavailable', 'the folder is away'));
    const answer = await handleCniCall(environment('DEL'), CONFIG, { ...deps, settleDeletions });
    expect(answer).toEqual({ ok: true, result: undefined });
    expect(await allocations()).toBe(0);
  });

  it('gives no address to a caller that has gone before its turn, and takes back what another left', async () => {
    let isGone = false;
    const caller = { untilMs: Number.POSITIVE_INFINITY, isGone: () => isGone };
    const leave = async () => {
      isGone = true;
    };
    const gone = { ...deps, settleDeletions: leave };
    const answer = await handleCniCall(environment('ADD'), CONFIG, gone, caller);
    expect(answer).toMatchObject({ ok: false, error: { code: 11, details: 'aborted' } });
    expect(await allocations()).toBe(0);
    isGone = false;
    await handleCniCall(environment('ADD'), CONFIG, deps, caller);
    expect(await handleCniCall(environment('DEL'), CONFIG, gone, caller)).toMatchObject({ ok: true });
    expect(await allocations()).toBe(0);
  });

  it('gives no address while it cannot tell what is queued', async () => {
    const settleDeletions = () => Promise.reject(new OverlayError('unavailable', 'the folder is away'));
    const answer = await handleCniCall(environment('ADD'), CONFIG, { ...deps, settleDeletions });
    expect(answer).toMatchObject({ ok: false, error: { code: 11, msg: 'the folder is away' } });
    expect(await allocations()).toBe(0);
  });

  it('performs a queued deletion, but not on a container that was added again since', async () => {
    await handleCniCall(environment('ADD'), CONFIG, deps);
    const earlier = await handleQueuedDeletion(environment('DEL'), CONFIG, ALLOCATED_AT_MS - 5_000, deps);
    expect(earlier).toEqual({ ok: true, result: undefined });
    expect(await allocations()).toBe(1);
    await handleQueuedDeletion(environment('DEL'), CONFIG, ALLOCATED_AT_MS + 5_000, deps);
    expect(await allocations()).toBe(0);
  });

  it('performs a queued deletion of what was allocated before the clock was set back', async () => {
    await handleCniCall(environment('ADD'), CONFIG, deps);
    const queuedAtMs = ALLOCATED_AT_MS - 600_000;
    const setBack = { instant: () => deps.clock.instant(), nowMs: () => queuedAtMs + 5_000 };
    await handleQueuedDeletion(environment('DEL'), CONFIG, queuedAtMs, { ...deps, clock: setBack });
    expect(await allocations()).toBe(0);
  });
});
