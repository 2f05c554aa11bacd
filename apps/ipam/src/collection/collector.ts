import { setImmediate } from 'node:timers/promises';
import type { AddressBook } from '../allocation/address-book.js';
import { isLeftBehind } from '../allocation/left-behind.js';
import { planCollection } from '../allocation/plan-collection.js';
import type { CooldownPolicy } from '../allocation/plan-release.js';
import { type AllocationKey, type AllocationRecord, keyOf } from '../allocation/records.js';
import type { HostClock } from '../host-clock.js';
import type { Namespaces } from './namespaces.js';

/** What a {@link Collector} lives on. */
export interface CollectorDeps {
  readonly book: AddressBook;
  readonly namespaces: Namespaces;
  readonly clock: HostClock;
  /** How long a container must be gone before its addresses are released. */
  readonly graceMs: number;
  readonly cooldown: CooldownPolicy;
}

interface Suspect {
  readonly record: AllocationRecord;
  readonly sinceMs: number;
}

/** Looked at, or released in one commit, before others get their turn. */
const SLICE = 256;

/**
 * Releases the addresses of containers that are gone although nobody said so: the host was started anew since,
 * or the path of their network namespace is gone. Many runtimes never send CNI's GC.
 *
 * It never frees what lives. A path counts as gone only if this host was seen to have it, when the container
 * was added or by an earlier scan: a runtime may keep its namespaces where this process cannot see them.
 * Whether it is gone is looked at once more when the release is planned, behind every ADD that came before.
 * What has no path, because a framework named none or Docker took it for an endpoint, is left alone until the next
 * boot: they give back what they know of.
 */
export class Collector {
  readonly #deps: CollectorDeps;
  #suspects: ReadonlyMap<AllocationKey, Suspect> = new Map();
  /** Those whose namespace was seen by a scan, though not when they were added. */
  #seen: ReadonlySet<AllocationRecord> = new Set();

  constructor(deps: CollectorDeps) {
    this.#deps = deps;
  }

  /**
   * Looks at every allocation once, and releases what has been gone for the grace time.
   * @returns what was released.
   * @throws OverlayError `unavailable` if the releases could not be stored; the next scan does it then.
   */
  async scan(): Promise<readonly AllocationRecord[]> {
    const { book, clock, cooldown, graceMs } = this.#deps;
    const nowMs = clock.instant().uptimeMs;
    const suspects = new Map<AllocationKey, Suspect>();
    const seen = new Set<AllocationRecord>();
    const records = await book.read((state) => [...state.allocations()]);
    for (const [at, record] of records.entries()) {
      if (at % SLICE === SLICE - 1) await setImmediate();
      const fate = this.#fateOf(record);
      if (fate === 'lives') seen.add(record);
      if (fate !== 'gone') continue;
      if (this.#seen.has(record)) seen.add(record);
      const key = keyOf(record);
      const before = this.#suspects.get(key);
      suspects.set(key, before?.record === record ? before : { record, sinceMs: nowMs });
    }
    this.#suspects = suspects;
    this.#seen = seen;
    const due = [...suspects.values()].filter(({ sinceMs }) => nowMs - sinceMs >= graceMs);
    const released: AllocationRecord[] = [];
    for (let at = 0; at < due.length; at += SLICE) {
      const slice = due.slice(at, at + SLICE).map(({ record }) => record);
      const isGone = (record: AllocationRecord) => this.#fateOf(record) === 'gone';
      const moment = () => ({ at: clock.instant(), cooldown });
      released.push(...(await book.change((state) => planCollection(state, slice, isGone, moment()))));
    }
    return released;
  }

  #fateOf(record: AllocationRecord): 'lives' | 'gone' | 'unknown' {
    const { networkNamespace, namespaceSeen = false } = record;
    if (isLeftBehind(record, this.#deps.clock.instant())) return 'gone';
    if (networkNamespace === undefined) return 'unknown';
    if (this.#deps.namespaces.lives(networkNamespace)) return 'lives';
    return namespaceSeen || this.#seen.has(record) ? 'gone' : 'unknown';
  }
}
