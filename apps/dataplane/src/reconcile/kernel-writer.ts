import { attributesOf, type KernelObject, type KernelObjectKind, keyOf } from '../kernel/kernel-object.js';
import type { CallOptions, KernelChange, KernelTables } from '../kernel/kernel-tables.js';
import { ADMISSION_TABLE } from '../kernel/ownership.js';
import type { DeltaTracker } from './delta-tracker.js';
import type { NexthopIds } from './nexthop-ids.js';
import type { ObjectFailure } from './object-failure.js';
import { orderChanges } from './order-changes.js';
import { type DifferencePlan, type PlanContext, planDifference } from './plan-changes.js';

/** What the writer works on. */
export interface KernelWriterOptions {
  readonly tables: KernelTables;
  readonly tracker: DeltaTracker;
  readonly ids: NexthopIds;
}

/** What is to be known for one round of writing. */
export interface WriteContext extends CallOptions, PlanContext {
  /** Second objects under one key; they go last. */
  readonly surplus?: readonly KernelObject[];
}

/** Brings what the kernel holds to what the tracker wants, and remembers what the kernel refused. */
export class KernelWriter {
  readonly #options: KernelWriterOptions;
  readonly #failures = new Map<string, ObjectFailure>();
  /** Second objects that could not be removed: under their keys the wanted ones may stand as they shall. */
  readonly #surplusFailures = new Map<string, ObjectFailure>();
  #disturbed = false;
  /** Whether the last round knew the peers; what waits for them is put aside until then. */
  #peersKnown = false;

  constructor(options: KernelWriterOptions) {
    this.#options = options;
  }

  /** Objects that could not be written, by key, and second objects under one key that could not be removed. */
  get failures(): ReadonlyMap<string, ObjectFailure> {
    if (this.#surplusFailures.size === 0) return this.#failures;
    return new Map([...this.#failures, ...this.#surplusFailures]);
  }

  /**
   * True if an address or the MAC of the VXLAN device went since {@link calm}: the kernel may have dropped entries
   * with it without telling.
   */
  get disturbed(): boolean {
    return this.#disturbed;
  }

  /** Everything is about to be read again. */
  calm(): void {
    this.#disturbed = false;
  }

  /** Whether the kernel refused to write this very object, or to remove it as a second one under its key. */
  refused(object: KernelObject): boolean {
    return this.#failures.has(keyOf(object)) || this.#surplusFailures.has(surplusKey(object));
  }

  /** Everything of these kinds was read again: what stands twice under one key is known anew. */
  forgetSurplusOf(kinds: ReadonlySet<KernelObjectKind>): void {
    for (const [key, { object }] of this.#surplusFailures)
      if (kinds.has(object.kind)) this.#surplusFailures.delete(key);
  }

  /** Forgets what failed. */
  forgetFailures(): void {
    this.#failures.clear();
    this.#surplusFailures.clear();
  }

  /** Writes every difference that may be written now. Returns how many objects were written. */
  async settle(context: WriteContext): Promise<number> {
    const { tracker } = this.#options;
    let written = 0;
    if (this.#planOf(context, `link ${context.vtep}`)?.step === 'recreate')
      written += await this.#removeVtep(context);
    if (context.peersKnown && !this.#peersKnown) tracker.recall();
    this.#peersKnown = context.peersKnown;
    this.#forgetAdmissions(context);
    const changes = this.#changes(context);
    written += await this.#write(context, changes, true);
    // Last, for routes may have used it until just now.
    written += await this.#write(context, (context.surplus ?? []).map(removal), false);
    for (const key of this.#failures.keys()) if (!tracker.deviates(key)) this.#failures.delete(key);
    return written;
  }

  /** What is to be written now; the tracker keeps the rest. */
  #changes(context: WriteContext): readonly KernelChange[] {
    const { tracker } = this.#options;
    const { vtep } = context;
    const changes: KernelChange[] = [];
    const foreign = new Set<string>();
    // Links come first.
    for (const difference of tracker.differences()) {
      const { key, have, want } = difference;
      const object = want ?? have;
      if (object !== undefined && foreign.size > 0 && isOfAny(object, foreign)) continue;
      if (want !== undefined && foreign.has(vtep) && leadsIntoTunnel(want)) continue;
      const plan = planDifference(difference, context);
      if (plan.step === 'change') changes.push(plan.change);
      if (plan.step === 'forget') tracker.observe(key, undefined);
      if (plan.step === 'wait') tracker.putAside(key);
      if (plan.step === 'obstructed') {
        this.#failures.set(key, { object: plan.object, error: plan.error });
        foreign.add(plan.device);
      }
    }
    return changes;
  }

  /** The elements of the admission set go with their table, so a table that is written needs all of them again. */
  #forgetAdmissions(context: WriteContext): void {
    const { tracker } = this.#options;
    if (this.#planOf(context, `nftables inet ${ADMISSION_TABLE}`)?.step !== 'change') return;
    for (const object of [...tracker.presentObjects(['admission'])])
      tracker.observe(keyOf(object), undefined);
  }

  /** What is to be done about one key; undefined if the kernel holds what is wanted. */
  #planOf(context: WriteContext, key: string): DifferencePlan | undefined {
    const { tracker } = this.#options;
    if (!tracker.deviates(key)) return undefined;
    return planDifference({ key, have: tracker.have(key), want: tracker.wanted(key) }, context);
  }

  /** Routes and nexthops go before their device (see `order-changes.ts`); the rest goes with it. */
  async #removeVtep(context: WriteContext): Promise<number> {
    const { tracker } = this.#options;
    const present = [...tracker.presentObjects()].filter((object) => standsOn(object, context.vtep));
    const explicit = present.filter(({ kind }) => kind === 'route' || kind === 'nexthop' || kind === 'link');
    const written = await this.#write(context, explicit.map(removal), true);
    if (tracker.have(`link ${context.vtep}`) === undefined)
      for (const object of present) tracker.observe(keyOf(object), undefined);
    return written;
  }

  async #write(context: WriteContext, changes: readonly KernelChange[], tracked: boolean): Promise<number> {
    if (changes.length === 0) return 0;
    const failures = await this.#options.tables.apply(orderChanges(changes), context);
    const failed = new Set(failures.map(({ change }) => change));
    for (const { change, error } of failures) {
      const failure = { object: change.object, error };
      if (tracked) this.#failures.set(keyOf(change.object), failure);
      else this.#surplusFailures.set(surplusKey(change.object), failure);
    }
    for (const change of changes) if (!failed.has(change)) this.#note(context, change, tracked);
    return changes.length - failures.length;
  }

  #note({ vtep }: WriteContext, change: KernelChange, tracked: boolean): void {
    const { op, object } = change;
    const { tracker, ids } = this.#options;
    if (!tracked) this.#surplusFailures.delete(surplusKey(object));
    else {
      if (this.#failures.size > 0) this.#failures.delete(keyOf(object));
      if (op === 'remove') tracker.observe(keyOf(object), undefined);
      else tracker.wrote(object);
    }
    if (op === 'replace' && isLinkOf(object, vtep) && macOf(object) !== macOf(change.previous))
      this.#disturbed = true;
    if (op !== 'remove') return;
    // It may be wanted again by now.
    if (object.kind === 'nexthop' && tracker.wanted(keyOf(object)) === undefined) ids.release(object);
    if (object.kind === 'address' && object.device === vtep) this.#disturbed = true;
  }
}

function isLinkOf(object: KernelObject, name: string): boolean {
  return object.kind === 'link' && object.name === name;
}

/** Two objects under one key differ in their attributes. */
function surplusKey(object: KernelObject): string {
  return `second ${keyOf(object)} ${attributesOf(object)}`;
}

function macOf(object: KernelObject): string | undefined {
  return object.kind === 'link' && object.type !== 'foreign' ? object.mac : undefined;
}

function removal(object: KernelObject): KernelChange {
  return { op: 'remove', object };
}

/** Whether a route leads to a peer, through the VXLAN device. */
function leadsIntoTunnel(object: KernelObject): boolean {
  return object.kind === 'route' && object.target.type !== 'unreachable';
}

/** Whether an object stands on one of these devices, is a setting of it or a port. */
function isOfAny(object: KernelObject, devices: ReadonlySet<string>): boolean {
  switch (object.kind) {
    case 'address':
    case 'neighbour':
    case 'fdb':
    case 'nexthop':
    case 'offload':
      return devices.has(object.device);
    case 'port':
      return devices.has(object.bridge);
    case 'sysctl':
      return object.key.split('/').some((part) => devices.has(part));
    default:
      return false;
  }
}

function standsOn(object: KernelObject, device: string): boolean {
  switch (object.kind) {
    case 'link':
      return object.name === device;
    case 'address':
    case 'neighbour':
    case 'fdb':
    case 'nexthop':
    case 'offload':
      return object.device === device;
    case 'route':
      return object.target.type !== 'unreachable';
    case 'sysctl':
      return object.key.includes(`/${device}/`);
    case 'rule':
    case 'nftables':
    case 'admission':
    case 'port':
    case 'docker-accept':
      return false;
  }
}
