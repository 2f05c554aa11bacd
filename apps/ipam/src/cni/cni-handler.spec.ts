import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import { Metrics } from '@overlay/service';
import { AddressBook } from '../allocation/address-book.js';
import { planPools } from '../allocation/plan-pools.js';
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

  beforeEach(async () => {
    store = new MemoryAllocationStore();
    const clock = new ManualHostClock();
    const book = await AddressBook.open(store, clock.instant());
    const [networkId, network] = [parseNetworkId('n1'), parseNetworkName('dcos')];
    const pool = { networkId, network, half: 'cni', subnet: parseCidr('9.0.1.0/29') } as const;
    await book.change((state) => planPools(state, [pool]));
    const meter = createOperationMeter(new Metrics('test'), () => 0);
    deps = { book, meter, clock, cooldown: { cooldownMs: 30_000, rememberedCount: 100 } };
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

  it('performs a queued deletion, but not on a container that was added again since', async () => {
    await handleCniCall(environment('ADD'), CONFIG, deps);
    const earlier = await handleQueuedDeletion(environment('DEL'), CONFIG, ALLOCATED_AT_MS - 5_000, deps);
    expect(earlier).toEqual({ ok: true, result: undefined });
    expect(await allocations()).toBe(1);
    await handleQueuedDeletion(environment('DEL'), CONFIG, ALLOCATED_AT_MS + 5_000, deps);
    expect(await allocations()).toBe(0);
  });
});
