import { refOf } from '@overlay/model';
import { encodeRecord, keyOf } from '@overlay/overlay-log';
import { Etcd3 } from 'etcd3';
import { open } from 'lmdb';
import { agentRecords, RECORDS_PER_AGENT } from './sample-agents.js';

type Entries = readonly (readonly [key: string, text: string])[];

/** etcd takes 128 operations in a transaction. */
const ETCD_AGENTS = Math.floor(128 / RECORDS_PER_AGENT);

/**
 * How many agents' entries an lmdb database commits per second, durably, one transaction of so many agents after the
 * other. Uses a table of its own in the folder of a log that nobody has open.
 */
export async function rawLmdbPerSecond(
  dir: string,
  agentsPerBatch: number,
  seconds: number,
): Promise<number> {
  const root = open<string, string>({
    path: dir,
    noSubdir: false,
    mapSize: 2 ** 38,
    maxDbs: 4,
    encoding: 'string',
    overlappingSync: false,
  });
  try {
    const table = root.openDB<string, string>({ name: 'raw', encoding: 'string' });
    return await batchesPerSecond(agentsPerBatch, seconds, async (entries) => {
      await root.childTransaction(() => {
        for (const [key, text] of entries) table.putSync(key, text);
      });
    });
  } finally {
    await root.close();
  }
}

/** The same for etcd: transactions of as many agents as fit, one after the other, under a prefix of their own. */
export async function rawEtcdPerSecond(endpoints: readonly string[], seconds: number): Promise<number> {
  const client = new Etcd3({ hosts: [...endpoints] });
  try {
    return await batchesPerSecond(ETCD_AGENTS, seconds, async (entries) => {
      const success = entries.map(([key, text]) => ({
        request_put: { key: Buffer.from(`/raw/${key}`), value: Buffer.from(text) },
      }));
      await client.kv.txn({ success });
    });
  } finally {
    client.close();
  }
}

/** Counts the time of the commits only: making the entries is the product's work. */
async function batchesPerSecond(
  agentsPerBatch: number,
  seconds: number,
  commit: (entries: Entries) => Promise<void>,
): Promise<number> {
  let agents = 0;
  let spentMs = 0;
  while (spentMs < seconds * 1_000) {
    const entries = entriesOf(agents, agentsPerBatch);
    const startMs = performance.now();
    await commit(entries);
    spentMs += performance.now() - startMs;
    agents += agentsPerBatch;
  }
  return (agents * 1_000) / spentMs;
}

/** More agents than the address space holds come round again under other names, so that no entry is there yet. */
function entriesOf(first: number, count: number): Entries {
  return Array.from({ length: count }, (_, offset) => first + offset).flatMap((index) => {
    const round = Math.floor(index / 262_144);
    const records = agentRecords(index % 262_144, `raw-${round}`);
    return records.map((record) => [`${round}/${keyOf(refOf(record))}`, encodeRecord(record)] as const);
  });
}
