import { type Cidr, cidrFamily, cidrOrder, type IpFamily, OrderedMap } from '@overlay/allocation';

/** Where a prefix lies among the others of its family. */
export interface PlacedPrefix {
  readonly prefix: Cidr;
  readonly family: IpFamily;
  /** In the order of `cidrOrder`. */
  readonly first: string;
  readonly last: string;
}

interface Owned<O> extends PlacedPrefix {
  readonly owner: O;
}

/** Finds out where a prefix lies; whoever asks about it several times does so once. */
export function placePrefix(prefix: Cidr): PlacedPrefix {
  return { prefix, family: cidrFamily(prefix), ...cidrOrder(prefix) };
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
  set({ prefix, family, first, last }: PlacedPrefix, owner: O): void {
    this.#owned[family].set(last, { prefix, family, first, last, owner });
  }

  /** Forgets a prefix. */
  delete({ prefix, family, last }: PlacedPrefix): void {
    const owned = this.#owned[family];
    if (owned.get(last)?.prefix === prefix) owned.delete(last);
  }

  /** The owners of every prefix that overlaps this one, with that prefix. */
  overlapping({ family, first, last }: PlacedPrefix): readonly (readonly [Cidr, O])[] {
    const owned = this.#owned[family];
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
