import type { KernelObjectKind } from '../kernel/kernel-object.js';
import type { KernelEntry } from '../kernel/kernel-watch.js';

/** What the kernel told of an entry. */
export interface EntryReport {
  /** As it is, or as it was when it went. */
  readonly object: KernelEntry;
  readonly gone: boolean;
}

/** What a check looks at. */
export interface CheckScope {
  /** Read as a whole. */
  readonly kinds: ReadonlySet<KernelObjectKind>;
  /** Devices of which link, addresses, plug and offload are read. */
  readonly devices: ReadonlySet<string>;
  /** Entries that need no reading, by key. */
  readonly entries: ReadonlyMap<string, EntryReport>;
  /** Keys of what the kernel refused, where what stood in the way may have gone: tried again without reading. */
  readonly retries: ReadonlySet<string>;
}

/** A look at these kinds as a whole and at nothing else. */
export function wholeKinds(kinds: ReadonlySet<KernelObjectKind>): CheckScope {
  return { kinds, devices: new Set(), entries: new Map(), retries: new Set() };
}
