import {
  ADDRESS_BITS,
  addressToInteger,
  type Cidr,
  cidrFamily,
  cidrFrom,
  networkAddress,
  prefixLength,
} from '@overlay/allocation';

/**
 * Who has which prefix, and who has one that overlaps another. Blocks of a network have one length, so the cost of a
 * question is the number of different lengths, not of prefixes. Prefixes in it never overlap each other.
 */
export class PrefixOwners<O> {
  readonly #owners = new Map<Cidr, O>();
  /** How many prefixes there are of each family and length, as `4/26`. */
  readonly #lengths = new Map<string, number>();
  /** The longer prefixes within each prefix of a length that is in use. */
  readonly #within = new Map<Cidr, Set<Cidr>>();

  /** Notes an owner. */
  set(prefix: Cidr, owner: O): void {
    const kind = kindOf(prefix);
    const count = this.#lengths.get(kind) ?? 0;
    if (count === 0) for (const longer of this.#longer(prefix)) this.#note(longer, prefixLength(prefix));
    this.#lengths.set(kind, count + 1);
    this.#owners.set(prefix, owner);
    for (const length of this.#shorterLengths(prefix)) this.#note(prefix, length);
  }

  /** Forgets a prefix. */
  delete(prefix: Cidr): void {
    if (!this.#owners.delete(prefix)) return;
    for (const length of this.#shorterLengths(prefix)) this.#within.get(cut(prefix, length))?.delete(prefix);
    const kind = kindOf(prefix);
    const count = (this.#lengths.get(kind) ?? 1) - 1;
    if (count > 0) this.#lengths.set(kind, count);
    else {
      this.#lengths.delete(kind);
      for (const longer of this.#longer(prefix)) this.#within.delete(cut(longer, prefixLength(prefix)));
    }
  }

  /** The owners of every prefix that overlaps this one, with that prefix. */
  overlapping(prefix: Cidr): readonly (readonly [Cidr, O])[] {
    const found: Cidr[] = [prefix, ...this.#shorterLengths(prefix).map((length) => cut(prefix, length))];
    if (this.#lengths.has(kindOf(prefix))) found.push(...(this.#within.get(prefix) ?? []));
    else found.push(...[...this.#longer(prefix)].filter((q) => cut(q, prefixLength(prefix)) === prefix));
    return found.flatMap((each) => {
      const owner = this.#owners.get(each);
      return owner === undefined ? [] : [[each, owner] as const];
    });
  }

  #note(longer: Cidr, length: number): void {
    const around = cut(longer, length);
    const inside = this.#within.get(around) ?? new Set();
    this.#within.set(around, inside.add(longer));
  }

  #shorterLengths(prefix: Cidr): readonly number[] {
    const family = cidrFamily(prefix);
    return [...this.#lengths.keys()].flatMap((kind) => {
      const [of, length] = kind.split('/').map(Number);
      return of === family && length !== undefined && length < prefixLength(prefix) ? [length] : [];
    });
  }

  *#longer(prefix: Cidr): Iterable<Cidr> {
    const family = cidrFamily(prefix);
    const length = prefixLength(prefix);
    const there = [...this.#lengths.keys()].some((kind) => {
      const [of, other] = kind.split('/').map(Number);
      return of === family && other !== undefined && other > length;
    });
    if (!there) return;
    for (const other of this.#owners.keys())
      if (cidrFamily(other) === family && prefixLength(other) > length) yield other;
  }
}

function kindOf(prefix: Cidr): string {
  return `${cidrFamily(prefix)}/${prefixLength(prefix)}`;
}

/** The prefix of the shorter length that holds this one. */
function cut(prefix: Cidr, length: number): Cidr {
  const family = cidrFamily(prefix);
  const bits = BigInt(ADDRESS_BITS[family] - length);
  return cidrFrom(family, (addressToInteger(networkAddress(prefix)) >> bits) << bits, length);
}
