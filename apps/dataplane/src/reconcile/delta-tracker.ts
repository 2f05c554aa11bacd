import { OverlayError } from '@overlay/failure';
import {
  attributesOf,
  KERNEL_OBJECT_KINDS,
  type KernelObject,
  type KernelObjectKind,
  keyOf,
  kindOfKey,
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
  /** By kind, so that a look at one kind passes over the others. */
  readonly #wanted = new Map<KernelObjectKind, Map<string, KernelObject>>(
    KERNEL_OBJECT_KINDS.map((kind) => [kind, new Map()]),
  );
  /** Kernel state under each key that deviates; undefined: absent. */
  readonly #deviating = new Map<string, KernelObject | undefined>();
  #compared = 0;

  /** How often the kernel's state of an object was compared with what is wanted. */
  get compared(): number {
    return this.#compared;
  }

  /** Wants `object`; replaces what was wanted under its key. */
  want(object: KernelObject): void {
    const key = keyOf(object);
    const wanted = this.#ofKind(object.kind);
    const have = this.#haveOf(key, wanted.get(key));
    wanted.set(key, object);
    this.#note(key, have, object);
  }

  /** Wants, of one kind, what `objects` has of it and nothing else. */
  wantAll(kind: KernelObjectKind, objects: readonly KernelObject[]): void {
    const wanted = objects.filter((object) => object.kind === kind);
    const keys = new Set(wanted.map(keyOf));
    for (const key of [...this.#ofKind(kind).keys()]) if (!keys.has(key)) this.unwant(key);
    for (const object of wanted) this.want(object);
  }

  /** No longer wants what stands under `key`. */
  unwant(key: string): void {
    const before = this.wanted(key);
    if (before === undefined) return;
    const have = this.#haveOf(key, before);
    this.#ofKind(before.kind).delete(key);
    this.#note(key, have, undefined);
  }

  /** Forgets what is wanted and takes `objects` as the kernel's whole state. Returns second objects under one key. */
  restart(objects: readonly KernelObject[]): readonly KernelObject[] {
    const surplus: KernelObject[] = [];
    for (const wanted of this.#wanted.values()) wanted.clear();
    this.#deviating.clear();
    for (const object of objects) {
      const key = keyOf(object);
      if (this.#deviating.has(key)) surplus.push(object);
      else this.#deviating.set(key, object);
    }
    return surplus;
  }

  /** The kernel now holds `have` under `key`; undefined: nothing. */
  observe(key: string, have: KernelObject | undefined): void {
    this.#note(key, have, this.wanted(key));
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
    for (const kind of kinds)
      for (const [key, want] of this.#ofKind(kind)) this.#look(key, present.get(key), want, drifted);
    for (const [key, have] of present)
      if (this.wanted(key) === undefined) this.#look(key, have, undefined, drifted);
    for (const [key, have] of [...this.#deviating]) {
      if (this.wanted(key) !== undefined || present.has(key)) continue;
      if (have === undefined || kinds.has(have.kind)) this.#deviating.delete(key);
    }
    return { drifted: [...drifted, ...surplus], surplus };
  }

  /**
   * Takes `objects` as what the kernel holds under `keys`; nothing under those that are not among them, other keys
   * staying as they are known. Returns what drifted, as {@link observeKinds} does.
   */
  observeKeys(keys: Iterable<string>, objects: readonly KernelObject[]): readonly KernelObject[] {
    const present = new Map(objects.map((object) => [keyOf(object), object]));
    const drifted: KernelObject[] = [];
    for (const key of new Set([...keys, ...present.keys()]))
      this.#look(key, present.get(key), this.wanted(key), drifted);
    return drifted;
  }

  #look(
    key: string,
    have: KernelObject | undefined,
    want: KernelObject | undefined,
    drifted: KernelObject[],
  ): void {
    const known = this.#deviating.has(key);
    this.#note(key, have, want);
    const either = want ?? have;
    if (!known && either !== undefined && this.#deviating.has(key)) drifted.push(either);
  }

  /** A nexthop with another id is a second one: it cannot become the wanted one in place. */
  #byKey(objects: readonly KernelObject[]) {
    const present = new Map<string, KernelObject>();
    const surplus: KernelObject[] = [];
    for (const object of objects) {
      const key = keyOf(object);
      const want = this.wanted(key);
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
    return this.#ofKind(kindOfKey(key)).get(key);
  }

  /** Everything that is wanted of one kind. */
  wantedOf(kind: KernelObjectKind): Iterable<KernelObject> {
    return this.#ofKind(kind).values();
  }

  /** Everything that stands in the kernel, as far as is known. */
  *presentObjects(): Iterable<KernelObject> {
    for (const wanted of this.#wanted.values())
      for (const [key, object] of wanted) if (!this.#deviating.has(key)) yield object;
    for (const object of this.#deviating.values()) if (object !== undefined) yield object;
  }

  /** What the kernel holds under a key, as far as is known. */
  have(key: string): KernelObject | undefined {
    return this.#haveOf(key, this.wanted(key));
  }

  /** True if the kernel is known not to be as wanted under a key. */
  deviates(key: string): boolean {
    return this.#deviating.has(key);
  }

  /** Everything that is to be written. What is noted meanwhile under a key that it has passed is not given again. */
  *differences(): Iterable<Difference> {
    for (const [key, have] of this.#deviating) yield { key, have, want: this.wanted(key) };
  }

  /** How many objects of a kind are wanted, and how many of these stand in the kernel as wanted. */
  counts(kind: KernelObjectKind): { readonly desired: number; readonly present: number } {
    const wanted = this.#ofKind(kind);
    const desired = wanted.size;
    let missing = 0;
    for (const key of this.#deviating.keys()) if (wanted.has(key)) missing += 1;
    return { desired, present: desired - missing };
  }

  #haveOf(key: string, wanted: KernelObject | undefined): KernelObject | undefined {
    return this.#deviating.has(key) ? this.#deviating.get(key) : wanted;
  }

  #note(key: string, have: KernelObject | undefined, want: KernelObject | undefined): void {
    this.#compared += 1;
    const same =
      have === undefined || want === undefined ? have === want : attributesOf(have) === attributesOf(want);
    if (same) this.#deviating.delete(key);
    else this.#deviating.set(key, have);
  }

  #ofKind(kind: KernelObjectKind): Map<string, KernelObject> {
    const wanted = this.#wanted.get(kind);
    if (wanted === undefined) throw new OverlayError('internal', `no kind ${kind}`);
    return wanted;
  }
}
