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

/** What is known of the objects of one kind. */
interface KindState {
  readonly wanted: Map<string, KernelObject>;
  /** Kernel state under each key that deviates; undefined: absent. */
  readonly deviating: Map<string, KernelObject | undefined>;
  /** The same, for what was put aside. */
  readonly aside: Map<string, KernelObject | undefined>;
}

/**
 * What is wanted, and where the kernel deviates from it. Only deviations are stored beside the wanted objects, so
 * a settled host costs one map entry per object, and the pending work is found without looking at the rest.
 */
export class DeltaTracker {
  /** By kind, so that a look at one kind passes over the others. */
  readonly #kinds = new Map<string, KindState>(
    KERNEL_OBJECT_KINDS.map((kind) => [kind, { wanted: new Map(), deviating: new Map(), aside: new Map() }]),
  );
  #compared = 0;
  #isFilled = false;

  /** How often the kernel's state of an object was compared with what is wanted. */
  get compared(): number {
    return this.#compared;
  }

  /** Wants `object`; replaces what was wanted under its key. Returns the key. */
  want(object: KernelObject): string {
    const key = keyOf(object);
    const state = this.#stateOf(object.kind);
    const have = haveOf(state, key);
    state.wanted.set(key, object);
    this.#note(state, key, have, object);
    return key;
  }

  /** Wants, of one kind, what `objects` has of it and nothing else. */
  wantAll(kind: KernelObjectKind, objects: readonly KernelObject[]): void {
    const wanted = objects.filter((object) => object.kind === kind);
    const keys = new Set(wanted.map(keyOf));
    for (const key of [...this.#stateOf(kind).wanted.keys()]) if (!keys.has(key)) this.unwant(key);
    for (const object of wanted) this.want(object);
  }

  /** No longer wants what stands under `key`. */
  unwant(key: string): void {
    const state = this.#stateOfKey(key);
    if (!state.wanted.has(key)) return;
    const have = haveOf(state, key);
    state.wanted.delete(key);
    this.#note(state, key, have, undefined);
  }

  /** Forgets what is wanted and takes `objects` as the kernel's whole state. Returns second objects under one key. */
  restart(objects: readonly KernelObject[]): readonly KernelObject[] {
    const surplus: KernelObject[] = [];
    this.#isFilled = true;
    for (const { wanted, deviating, aside } of this.#kinds.values())
      for (const each of [wanted, deviating, aside]) each.clear();
    for (const object of objects) {
      const key = keyOf(object);
      const { deviating } = this.#stateOf(object.kind);
      const first = deviating.get(key);
      if (first === undefined || isNeverOurs(first)) deviating.set(key, object);
      if (first !== undefined) surplus.push(isNeverOurs(first) ? first : object);
    }
    return surplus;
  }

  /**
   * Of two objects under one key the one that is as wanted counts as the first.
   * @param surplus what {@link restart} gave; returns it with what is the second one now
   */
  preferWanted(surplus: readonly KernelObject[]): readonly KernelObject[] {
    return surplus.map((object) => {
      const key = keyOf(object);
      const [want, first] = [this.wanted(key), this.have(key)];
      if (first === undefined || isSame(first, want) || !isSame(object, want)) return object;
      this.observe(key, object);
      return first;
    });
  }

  /** The kernel now holds `have` under `key`; undefined: nothing. */
  observe(key: string, have: KernelObject | undefined): void {
    const state = this.#stateOfKey(key);
    this.#note(state, key, have, state.wanted.get(key));
  }

  /** The kernel now holds `object`, which was just written. */
  wrote(object: KernelObject): void {
    const key = keyOf(object);
    const state = this.#stateOf(object.kind);
    this.#note(state, key, object, state.wanted.get(key));
  }

  /** What deviates under `key` is not among the {@link differences} until it changes, or everything is recalled. */
  putAside(key: string): void {
    const { deviating, aside } = this.#stateOfKey(key);
    if (!deviating.has(key)) return;
    aside.set(key, deviating.get(key));
    deviating.delete(key);
  }

  /** Nothing of these kinds is put aside any more. */
  recall(kinds: Iterable<KernelObjectKind> = KERNEL_OBJECT_KINDS): void {
    for (const kind of kinds) {
      const { deviating, aside } = this.#stateOf(kind);
      for (const [key, have] of aside) deviating.set(key, have);
      aside.clear();
    }
  }

  /** What deviates under `key` is not put aside any more. */
  recallKey(key: string): void {
    const { deviating, aside } = this.#stateOfKey(key);
    if (!aside.has(key)) return;
    deviating.set(key, aside.get(key));
    aside.delete(key);
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
      for (const [key, want] of this.#stateOf(kind).wanted) this.#look(key, present.get(key), want, drifted);
    for (const [key, have] of present)
      if (this.wanted(key) === undefined) this.#look(key, have, undefined, drifted);
    // What was there without being wanted, and is gone.
    for (const kind of kinds) {
      const { wanted, deviating, aside } = this.#stateOf(kind);
      for (const each of [deviating, aside])
        for (const key of each.keys()) if (!wanted.has(key) && !present.has(key)) each.delete(key);
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
    const known = this.deviates(key);
    this.#note(this.#stateOfKey(key), key, have, want);
    const either = want ?? have;
    if (!known && either !== undefined && this.deviates(key)) drifted.push(either);
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
    return this.#stateOfKey(key).wanted.get(key);
  }

  /** Everything that is wanted of one kind. */
  wantedOf(kind: KernelObjectKind): Iterable<KernelObject> {
    return this.#stateOf(kind).wanted.values();
  }

  /** Everything of these kinds that stands in the kernel, as far as is known. */
  *presentObjects(kinds: Iterable<KernelObjectKind> = KERNEL_OBJECT_KINDS): Iterable<KernelObject> {
    for (const kind of kinds) {
      const { wanted, deviating, aside } = this.#stateOf(kind);
      for (const [key, object] of wanted) if (!deviating.has(key) && !aside.has(key)) yield object;
      for (const each of [deviating, aside])
        for (const object of each.values()) if (object !== undefined) yield object;
    }
  }

  /** What the kernel holds under a key, as far as is known. */
  have(key: string): KernelObject | undefined {
    return haveOf(this.#stateOfKey(key), key);
  }

  /** True if the kernel may hold what is not wanted under a key: it does, or was not read yet. */
  mayHold(key: string): boolean {
    return !this.#isFilled || this.have(key) !== undefined;
  }

  /** True if the kernel is known not to be as wanted under a key. */
  deviates(key: string): boolean {
    const { deviating, aside } = this.#stateOfKey(key);
    return deviating.has(key) || aside.has(key);
  }

  /**
   * Everything of these kinds that is to be written. What is noted meanwhile under a key that it has passed is not given
   * again.
   */
  *differences(kinds: Iterable<KernelObjectKind> = KERNEL_OBJECT_KINDS): Iterable<Difference> {
    for (const { wanted, deviating } of [...kinds].map((kind) => this.#stateOf(kind)))
      for (const [key, have] of deviating) yield { key, have, want: wanted.get(key) };
  }

  /** How many {@link differences} there are. */
  get pending(): number {
    let count = 0;
    for (const { deviating } of this.#kinds.values()) count += deviating.size;
    return count;
  }

  /** How many objects of a kind are wanted, and how many of these stand in the kernel as wanted. */
  counts(kind: KernelObjectKind): { readonly desired: number; readonly present: number } {
    const { wanted, deviating, aside } = this.#stateOf(kind);
    const desired = wanted.size;
    let missing = 0;
    for (const each of [deviating, aside]) for (const key of each.keys()) if (wanted.has(key)) missing += 1;
    return { desired, present: desired - missing };
  }

  #note(
    { deviating, aside }: KindState,
    key: string,
    have: KernelObject | undefined,
    want: KernelObject | undefined,
  ): void {
    this.#compared += 1;
    if (aside.size > 0) aside.delete(key);
    if (isSame(have, want)) deviating.delete(key);
    else deviating.set(key, have);
  }

  #stateOfKey(key: string): KindState {
    return this.#stateOf(kindOfKey(key));
  }

  #stateOf(kind: string): KindState {
    const state = this.#kinds.get(kind);
    if (state === undefined) throw new OverlayError('internal', `no kind ${kind}`);
    return state;
  }
}

/** Under our protocol, but nothing that we write. */
function isNeverOurs(object: KernelObject): boolean {
  return object.kind === 'route' && object.target.type === 'other';
}

function haveOf({ wanted, deviating, aside }: KindState, key: string): KernelObject | undefined {
  if (deviating.has(key)) return deviating.get(key);
  return aside.has(key) ? aside.get(key) : wanted.get(key);
}

function isSame(have: KernelObject | undefined, want: KernelObject | undefined): boolean {
  if (have === want) return true;
  return have !== undefined && want !== undefined && attributesOf(have) === attributesOf(want);
}
