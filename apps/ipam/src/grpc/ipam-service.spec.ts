import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { AllocationHalf } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { Metrics, systemClock } from '@overlay/service';
import { AddressBook } from '../allocation/address-book.js';
import { pool } from '../allocation/host-under-test.js';
import { planPools } from '../allocation/plan-pools.js';
import { MemoryNamespaces } from '../collection/memory-namespaces.js';
import { createOperationMeter } from '../ipam-metrics.js';
import { ManualHostClock } from '../manual-host-clock.js';
import { MemoryAllocationStore } from '../store/memory-allocation-store.js';
import { createIpamService } from './ipam-service.js';

const RELEASE = {
  network: 'dcos',
  half: AllocationHalf.CNI,
  owner: { containerId: 'c1', interface: 'eth0' },
};
const ALLOCATE = { ...RELEASE, requestedIps: [], reservation: '', labels: {} };

/** A call as grpc-js hands it over. */
class Call extends EventEmitter {
  readonly request: unknown;
  cancelled = false;

  constructor(request: unknown) {
    super();
    this.request = request;
  }

  cancel(): void {
    this.cancelled = true;
    this.emit('cancelled');
  }
}

type Unary = (call: Call, callback: (error: { message: string } | null, answer?: unknown) => void) => void;

describe('IpamService', () => {
  let book: AddressBook;
  let settleDeletions: () => Promise<void>;
  let settle: () => void;

  beforeEach(async () => {
    book = await AddressBook.open(new MemoryAllocationStore(), new ManualHostClock().instant());
    await book.change((state) => planPools(state, [pool({ subnet: '9.0.1.0/29' })]));
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    settleDeletions = () => settled;
  });

  function answerTo(method: 'allocate' | 'release', call: Call): Promise<unknown> {
    const service = createIpamService({
      book,
      meter: createOperationMeter(new Metrics('test'), () => 0),
      clock: new ManualHostClock(),
      timer: systemClock,
      cooldown: { cooldownMs: 30_000, rememberedCount: 100 },
      namespaces: new MemoryNamespaces(),
      settleDeletions,
      onInternalError: () => undefined,
    });
    const unary = service.implementation[method] as unknown as Unary;
    return new Promise((resolve) => unary(call, (error, answer) => resolve(error?.message ?? answer)));
  }

  const held = () => book.read((state) => [...state.allocations()].length);

  it('releases behind an Allocate that came before and waits for the queue of deletions', async () => {
    const answers = [answerTo('allocate', new Call(ALLOCATE)), answerTo('release', new Call(RELEASE))];
    await setImmediate();
    settle();
    expect(await Promise.all(answers)).toMatchObject([{}, { releasedIps: ['9.0.1.2'] }]);
    expect(await held()).toBe(0);
  });

  it('releases although the queue of deletions cannot be read', async () => {
    settle();
    await answerTo('allocate', new Call(ALLOCATE));
    settleDeletions = () => Promise.reject(new OverlayError('unavailable', 'the folder is away'));
    expect(await answerTo('release', new Call(RELEASE))).toEqual({ releasedIps: ['9.0.1.2'] });
    expect(await answerTo('allocate', new Call(ALLOCATE))).toBe('the folder is away');
  });

  it('allocates nothing for a caller that has gone before its turn', async () => {
    const call = new Call(ALLOCATE);
    const answer = answerTo('allocate', call);
    await setImmediate();
    call.cancel();
    settle();
    expect(await answer).toBe('the caller has gone');
    expect(await held()).toBe(0);
  });
});
