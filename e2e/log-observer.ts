import { setTimeout as sleep } from 'node:timers/promises';
import { type LogRecord, type Mutation, type NetworkRecord, refOf } from '@overlay/model';
import { keyOf, type OverlayLog, openEtcdOverlayLog, verifyLog } from '@overlay/overlay-log';

const RETRY_MS = 200;

/** Reads along while masters write: every commit has to leave a log that keeps every rule. */
export class LogObserver {
  readonly #log: OverlayLog;
  readonly #ending = new AbortController();
  readonly #records = new Map<string, LogRecord>();
  readonly #owners = new Map<string, string>();
  readonly #problems = new Set<string>();
  readonly #reading: Promise<void>;
  #commits = 0;
  #largest = 0;

  /** @param endpoints of etcd. */
  constructor(endpoints: readonly string[]) {
    this.#log = openEtcdOverlayLog({ endpoints, prefix: '/overlay/' });
    this.#reading = this.#read();
  }

  /** How many commits were looked at. */
  get commits(): number {
    return this.#commits;
  }

  /** How many entries the largest commit changed. */
  get largest(): number {
    return this.#largest;
  }

  /** Stops. @returns what was wrong at any time, in words. */
  async close(): Promise<readonly string[]> {
    this.#ending.abort();
    await this.#reading;
    await this.#log.close();
    return [...this.#problems];
  }

  async #read(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        const { revision, records } = await this.#log.load();
        this.#records.clear();
        for await (const batch of records) for (const record of batch) this.#put(record);
        for await (const change of this.#log.watch(revision, signal)) {
          this.#largest = Math.max(this.#largest, change.mutations.length);
          for (const mutation of change.mutations) this.#apply(mutation, change.revision);
          await this.#verify(change.revision);
        }
      } catch {
        await sleep(RETRY_MS); // without a quorum, or the history before was compacted: read it whole again
      }
    }
  }

  #apply(mutation: Mutation, revision: bigint): void {
    if (mutation.op === 'delete') {
      this.#records.delete(keyOf(mutation.ref));
      return;
    }
    this.#put(mutation.record, revision);
  }

  /** Blocks and VTEPs stay with their first owner: the history is shorter than the quarantine. */
  #put(record: LogRecord, revision?: bigint): void {
    const key = keyOf(refOf(record));
    const before = this.#records.get(key);
    this.#records.set(key, record);
    if (record.kind === 'network' && before?.kind === 'network') {
      this.#compare(before.network, record.network, `revision ${revision}: ${key}`);
    }
    if (record.kind !== 'claim' || record.claim.resource === 'node-ip') return;
    const { nodeId } = record.claim;
    const owner = this.#owners.get(key) ?? nodeId;
    this.#owners.set(key, owner);
    if (owner !== nodeId) this.#problems.add(`revision ${revision}: ${key} goes from ${owner} to ${nodeId}`);
  }

  /** The address space of a network never changes, and a deletion never ends otherwise. */
  #compare(before: NetworkRecord, after: NetworkRecord, where: string): void {
    const [was, is] = [before, after].map(({ definition: { name, ipv4, ipv6 } }) =>
      JSON.stringify([name, ipv4, ipv6]),
    );
    if (was !== is) this.#problems.add(`${where} changes from ${was} to ${is}`);
    if (before.phase !== 'active' && after.phase === 'active') this.#problems.add(`${where} is active again`);
  }

  async #verify(revision: bigint): Promise<void> {
    this.#commits += 1;
    for (const { key, description } of await verifyLog([[...this.#records.values()]])) {
      this.#problems.add(`revision ${revision}: ${key}: ${description}`);
    }
  }
}
