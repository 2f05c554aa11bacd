import { type Cidr, cidrFamily, cidrOrder, OrderedMap } from '@overlay/allocation';

/** A prefix, where it starts, and whoever has it. */
interface Owned<O> {
  readonly prefix: Cidr;
  readonly first: string;
  readonly owner: O;
}

/**
 * Who has which prefix, and who has one that overlaps another. Prefixes in it never overlap each other, so they lie in
 * one order, and those that overlap a given one lie side by side: every step costs O(log n) and what it finds,
 * whatever the lengths of the others are.
 */
export class PrefixOwners<O> {
  /** By the last address of each prefix: the first that ends behind the start of another is the first to overlap it. */
  readonly #owned = { 4: new OrderedMap<string, Owned<O>>(), 6: new OrderedMap<string, Owned<O>>() };

  /** Notes an owner; the prefix overlaps none that is noted, but may be noted itself. */
  set(prefix: Cidr, owner: O): void {
    const { first, last } = cidrOrder(prefix);
    this.#owned[cidrFamily(prefix)].set(last, { prefix, first, owner });
  }

  /** Forgets a prefix. */
  delete(prefix: Cidr): void {
    const owned = this.#owned[cidrFamily(prefix)];
    const { last } = cidrOrder(prefix);
    if (owned.get(last)?.prefix === prefix) owned.delete(last);
  }

  /** The owners of every prefix that overlaps this one, with that prefix. */
  overlapping(prefix: Cidr): readonly (readonly [Cidr, O])[] {
    const owned = this.#owned[cidrFamily(prefix)];
    const { first, last } = cidrOrder(prefix);
    const found: (readonly [Cidr, O])[] = [];
    const next = owned.ceiling(first);
    if (next === undefined || next.value.first > last) return found;
    for (const { value } of owned.entriesFrom(first)) {
      if (value.first > last) break;
      found.push([value.prefix, value.owner]);
    }
    return found;
  }
}
