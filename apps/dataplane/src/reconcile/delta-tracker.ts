import {
  attributesOf,
  KERNEL_OBJECT_KINDS,
  type KernelObject,
  type KernelObjectKind,
  keyOf,
} from '../kernel/kernel-object.js';

/** An object whose kernel state differs from what is wanted; at least one side is there. */
export interface Difference {
  readonly key: string;
  readonly have: KernelObject | undefined;
  readonly want: KernelObject | undefined;
}

/**
 * What is wanted, and where the kernel deviates from it. Only deviations are stored beside the wanted objects, so
 * a settled host costs one map entry per object, and the pending work is found without looking at the rest.
 */
export class DeltaTracker {
  readonly #wanted = new Map<string, KernelObject>();
  /** Kernel state under each key that deviates; undefined: absent. */
  readonly #deviating = new Map<string, KernelObject | undefined>();
  readonly #counts = new Map<KernelObjectKind, number>(KERNEL_OBJECT_KINDS.map((kind) => [kind, 0]));

  /** Wants `object`; replaces what was wanted under its key. */
  want(object: KernelObject): void {
    const key = keyOf(object);
    const before = this.#wanted.get(key);
    const have = this.#haveOf(key, before);
    this.#wanted.set(key, object);
    if (before === undefined) this.#count(object.kind, 1);
    this.#note(key, have, object);
  }

  /** Wants, of one kind, what `objects` has of it and nothing else. */
  wantAll(kind: KernelObjectKind, objects: readonly KernelObject[]): void {
    const wanted = objects.filter((object) => object.kind === kind);
    const keys = new Set(wanted.map(keyOf));
    for (const [key, object] of [...this.#wanted])
      if (object.kind === kind && !keys.has(key)) this.unwant(key);
    for (const object of wanted) this.want(object);
  }

  /** No longer wants what stands under `key`. */
  unwant(key: string): void {
    const before = this.#wanted.get(key);
    if (before === undefined) return;
    const have = this.#haveOf(key, before);
    this.#wanted.delete(key);
    this.#count(before.kind, -1);
    this.#note(key, have, undefined);
  }

  /** Forgets what is wanted and takes `objects` as the kernel's whole state. Returns second objects under one key. */
  restart(objects: readonly KernelObject[]): readonly KernelObject[] {
    const surplus: KernelObject[] = [];
    this.#wanted.clear();
    this.#deviating.clear();
    for (const kind of KERNEL_OBJECT_KINDS) this.#counts.set(kind, 0);
    for (const object of objects) {
      const key = keyOf(object);
      if (this.#deviating.has(key)) surplus.push(object);
      else this.#deviating.set(key, object);
    }
    return surplus;
  }

  /** The kernel now holds `have` under `key`; undefined: nothing. */
  observe(key: string, have: KernelObject | undefined): void {
    this.#note(key, have, this.#wanted.get(key));
  }

  /**
   * Takes `objects` as everything that the kernel holds of `kinds`, other kinds staying as they are known.
   * `drifted`: what was as wanted before and is not now, and what came without being wanted. `surplus`: second objects
   * under one key.
   */
  observeKinds(
    kinds: ReadonlySet<KernelObjectKind>,
    objects: readonly KernelObject[],
  ): { readonly drifted: readonly KernelObject[]; readonly surplus: readonly KernelObject[] } {
    const { present, surplus } = this.#byKey(objects);
    const drifted: KernelObject[] = [];
    const note = (key: string, have: KernelObject | undefined, want: KernelObject | undefined) => {
      const known = this.#deviating.has(key);
      this.#note(key, have, want);
      const either = want ?? have;
      if (!known && either !== undefined && this.#deviating.has(key)) drifted.push(either);
    };
    for (const [key, want] of this.#wanted) if (kinds.has(want.kind)) note(key, present.get(key), want);
    for (const [key, have] of present) if (!this.#wanted.has(key)) note(key, have, undefined);
    for (const [key, have] of [...this.#deviating]) {
      if (this.#wanted.has(key) || present.has(key)) continue;
      if (have === undefined || kinds.has(have.kind)) this.#deviating.delete(key);
    }
    return { drifted: [...drifted, ...surplus], surplus };
  }

  /** A nexthop with another id is a second one: it cannot become the wanted one in place. */
  #byKey(objects: readonly KernelObject[]) {
    const present = new Map<string, KernelObject>();
    const surplus: KernelObject[] = [];
    for (const object of objects) {
      const key = keyOf(object);
      const want = this.#wanted.get(key);
      const asWanted = want !== undefined && attributesOf(want) === attributesOf(object);
      const other = present.get(key);
      if (want?.kind === 'nexthop' && !asWanted) surplus.push(object);
      else if (other === undefined) present.set(key, object);
      else if (asWanted) {
        present.set(key, object);
        surplus.push(other);
      } else surplus.push(object);
    }
    return { present, surplus };
  }

  /** What is wanted under a key. */
  wanted(key: string): KernelObject | undefined {
    return this.#wanted.get(key);
  }

  /** Everything that stands in the kernel, as far as is known. */
  *presentObjects(): Iterable<KernelObject> {
    for (const [key, object] of this.#wanted) if (!this.#deviating.has(key)) yield object;
    for (const object of this.#deviating.values()) if (object !== undefined) yield object;
  }

  /** What the kernel holds under a key, as far as is known. */
  have(key: string): KernelObject | undefined {
    return this.#haveOf(key, this.#wanted.get(key));
  }

  /** True if the kernel is known not to be as wanted under a key. */
  deviates(key: string): boolean {
    return this.#deviating.has(key);
  }

  /** Everything that is to be written. What is noted meanwhile under a key that it has passed is not given again. */
  *differences(): Iterable<Difference> {
    for (const [key, have] of this.#deviating) yield { key, have, want: this.#wanted.get(key) };
  }

  /** How many objects of a kind are wanted, and how many of these stand in the kernel as wanted. */
  counts(kind: KernelObjectKind): { readonly desired: number; readonly present: number } {
    const desired = this.#counts.get(kind) ?? 0;
    let missing = 0;
    for (const key of this.#deviating.keys()) if (this.#wanted.get(key)?.kind === kind) missing += 1;
    return { desired, present: desired - missing };
  }

  #haveOf(key: string, wanted: KernelObject | undefined): KernelObject | undefined {
    return this.#deviating.has(key) ? this.#deviating.get(key) : wanted;
  }

  #note(key: string, have: KernelObject | undefined, want: KernelObject | undefined): void {
    const same =
      have === undefined || want === undefined ? have === want : attributesOf(have) === attributesOf(want);
    if (same) this.#deviating.delete(key);
    else this.#deviating.set(key, have);
  }

  #count(kind: KernelObjectKind, by: number): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + by);
  }
}
