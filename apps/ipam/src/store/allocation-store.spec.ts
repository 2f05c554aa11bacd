import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseCidr, parseInterfaceAddress, parseIpAddress } from '@overlay/allocation';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import type { FreedAddress } from '../allocation/freed-addresses.js';
import { parseContainerId, parseInterfaceName } from '../allocation/owner.js';
import { type AllocationRecord, keyOf, type PoolDefinition } from '../allocation/records.js';
import {
  parseReservationName,
  type ReservationRecord,
  type ReservationTerm,
  reservationKey,
} from '../allocation/reservation.js';
import type { AllocationStore } from './allocation-store.js';
import { LmdbAllocationStore } from './lmdb-allocation-store.js';
import { MemoryAllocationStore } from './memory-allocation-store.js';

const POOL: PoolDefinition = {
  networkId: parseNetworkId('n1'),
  network: parseNetworkName('dcos'),
  half: 'cni',
  shared: true,
  subnet: parseCidr('9.0.1.0/27'),
  subnet6: parseCidr('fd01:b::/81'),
};

function record(containerId: string, address: string): AllocationRecord {
  return {
    networkId: POOL.networkId,
    network: POOL.network,
    half: 'docker',
    owner: { containerId: parseContainerId(containerId), interface: parseInterfaceName('eth0') },
    addresses: [{ address: parseInterfaceAddress(address), gateway: parseIpAddress('9.0.1.1') }],
    networkNamespace: '/run/netns/x',
    labels: { app: 'ü' },
    allocatedAtMs: 7,
    bootId: 'boot',
  };
}

function freed(address: string, turn: number): FreedAddress {
  return { address: parseIpAddress(address), turn, freedAt: { bootId: 'boot', uptimeMs: 9 } };
}

function reservation(name: string, term?: ReservationTerm): ReservationRecord {
  return {
    networkId: POOL.networkId,
    network: POOL.network,
    half: 'cni',
    name: parseReservationName(name),
    addresses: [parseIpAddress('9.0.1.7'), parseIpAddress('fd01:b::7')],
    ...(term === undefined ? {} : { term }),
    reservedAtMs: 5,
  };
}

const A = record('a', '9.0.1.2/27');
const B = record('b'.repeat(255), '9.0.1.3/27');

/** The contract of AllocationStore: what every store does, and keeps when it is opened anew. */
function describeStore(
  name: string,
  create: (folder: string) => Promise<AllocationStore>,
  survives: boolean,
): void {
  describe(name, () => {
    let folder: string;
    let store: AllocationStore;

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'overlay-ipam-store-'));
      store = await create(folder);
    });

    afterEach(async () => {
      await store.close();
      rmSync(folder, { recursive: true });
    });

    async function reopened(): Promise<AllocationStore> {
      if (!survives) return store;
      await store.close();
      store = await create(folder);
      return store;
    }

    it('starts empty', async () => {
      expect(await store.load()).toEqual({ pools: [], allocations: [], reservations: [], freed: [] });
    });

    it('keeps what was committed', async () => {
      await store.commit([
        { kind: 'replace_pools', pools: [POOL] },
        { kind: 'put_allocation', record: A },
        { kind: 'put_allocation', record: B },
      ]);
      const loaded = await (await reopened()).load();
      expect(loaded.pools).toEqual([POOL]);
      expect([...loaded.allocations].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))).toEqual([A, B]);
    });

    it('applies changes in their order', async () => {
      await store.commit([
        { kind: 'put_allocation', record: A },
        { kind: 'delete_allocation', key: keyOf(A) },
        { kind: 'put_allocation', record: B },
      ]);
      await store.commit([{ kind: 'delete_allocation', key: keyOf(A) }]);
      expect((await (await reopened()).load()).allocations).toEqual([B]);
    });

    it('replaces a record and the pools', async () => {
      await store.commit([
        { kind: 'replace_pools', pools: [POOL] },
        { kind: 'put_allocation', record: A },
      ]);
      const moved = { ...A, addresses: B.addresses };
      await store.commit([
        { kind: 'replace_pools', pools: [] },
        { kind: 'put_allocation', record: moved },
      ]);
      expect(await (await reopened()).load()).toEqual({
        pools: [],
        allocations: [moved],
        reservations: [],
        freed: [],
      });
    });

    it('keeps reservations until they are deleted', async () => {
      const db = reservation('db', { ttlMs: 60_000, since: { bootId: 'boot', uptimeMs: 3 } });
      await store.commit([
        { kind: 'put_reservation', record: db },
        { kind: 'put_reservation', record: reservation('web') },
      ]);
      const loaded = await (await reopened()).load();
      expect([...loaded.reservations].sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
        db,
        reservation('web'),
      ]);
      await store.commit([{ kind: 'delete_reservation', key: reservationKey(db) }]);
      expect((await (await reopened()).load()).reservations).toEqual([reservation('web')]);
    });

    it('keeps freed addresses until they are deleted', async () => {
      const [first, second] = [freed('9.0.1.2', 7), freed('fd01:b::2', 8)];
      await store.commit([
        { kind: 'put_freed', freed: freed('9.0.1.2', 1) },
        { kind: 'put_freed', freed: second },
        { kind: 'put_freed', freed: first },
      ]);
      const loaded = await (await reopened()).load();
      expect([...loaded.freed].sort((a, b) => a.turn - b.turn)).toEqual([first, second]);
      await store.commit([{ kind: 'delete_freed', address: first.address }]);
      expect((await (await reopened()).load()).freed).toEqual([second]);
    });

    it('closes more than once', async () => {
      await store.close();
      await expect(store.close()).resolves.toBeUndefined();
    });
  });
}

describeStore('MemoryAllocationStore', async () => new MemoryAllocationStore(), false);
describeStore('LmdbAllocationStore', (folder) => LmdbAllocationStore.open(folder), true);

describe('LmdbAllocationStore on a folder that cannot be used', () => {
  it('says which key and folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'overlay-ipam-store-'));
    try {
      const file = join(folder, 'file');
      writeFileSync(file, '');
      appendFileSync(file, 'x');
      await expect(LmdbAllocationStore.open(join(file, 'state'))).rejects.toThrow(
        /^state_dir: the store in .*file/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('LmdbAllocationStore on a damaged file', () => {
  const lengthOf = (file: string) => statSync(file).size;

  it.each<[string, (file: string) => void]>([
    ['garbage', (file) => writeFileSync(file, Buffer.alloc(lengthOf(file), 7))],
    ['nothing', (file) => truncateSync(file, 0)],
    ['text', (file) => writeFileSync(file, 'allocations')],
    ['cut inside the first page', (file) => truncateSync(file, 100)],
    ['cut after the first page', (file) => truncateSync(file, 4096)],
    ['cut after the meta pages', (file) => truncateSync(file, 8192)],
    ['cut in the middle', (file) => truncateSync(file, 6 * 4096)],
  ])('says so when it is %s', async (_case, damage) => {
    const folder = mkdtempSync(join(tmpdir(), 'overlay-ipam-store-'));
    try {
      const store = await LmdbAllocationStore.open(folder);
      const records = Array.from({ length: 200 }, (_, at) => record(`c${at}`, `9.0.2.${at + 1}/24`));
      await store.commit(records.map((each) => ({ kind: 'put_allocation', record: each })));
      await store.close();
      damage(join(folder, 'allocations.lmdb'));
      const loading = async () => {
        const damaged = await LmdbAllocationStore.open(folder);
        try {
          return await damaged.load();
        } finally {
          await damaged.close();
        }
      };
      await expect(loading()).rejects.toMatchObject({
        code: 'data_loss',
        message: expect.stringMatching(/^state_dir: .*allocations\.lmdb is damaged: .{20}/),
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says so of whichever page was lost, or has lost nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'overlay-ipam-store-'));
    try {
      const file = join(folder, 'allocations.lmdb');
      const whole = await contentOf(folder, async (store) => {
        const large = { ...record('large', '9.0.3.1/24'), labels: { a: 'x'.repeat(8000) } };
        const records = Array.from({ length: 100 }, (_, at) => record(`c${at}`, `9.0.2.${at + 1}/24`));
        for (const some of [[large], records.slice(0, 50), records.slice(50)])
          await store.commit(some.map((each) => ({ kind: 'put_allocation', record: each })));
      });
      const bytes = readFileSync(file);
      let lost = 0;
      for (let page = 0; page < 48; page += 1) {
        writeFileSync(file, Buffer.from(bytes).fill(0, page * 4096, (page + 1) * 4096));
        const found = await contentOf(folder, (store) =>
          store.commit([{ kind: 'delete_allocation', key: keyOf(B) }]),
        ).catch((error: unknown) => error);
        if (found instanceof Error) {
          expect(found).toMatchObject({ code: 'data_loss', message: expect.stringContaining(file) });
          lost += 1;
        } else {
          expect(found).toEqual(whole);
        }
      }
      expect(lost).toBeGreaterThan(5);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** What a store has after a change. */
async function contentOf(folder: string, change: (store: AllocationStore) => Promise<void>) {
  const store = await LmdbAllocationStore.open(folder);
  try {
    await store.load();
    await change(store);
    return await store.load();
  } finally {
    await store.close();
  }
}
