import {
  attributesOf,
  type KernelObject,
  type KernelObjectKind,
  keyOf,
  type Route,
} from '../kernel/kernel-object.js';
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
  /** Whether something was written that the kernel had refused: what was put aside because of it may work now. */
  #recovered = false;
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

  /**
   * Writes every difference that may be written now. Returns how many objects were written. What the kernel refuses is put
   * aside until it changes, something else that was refused works, or the whole kernel is read again; so is what would
   * stand on a device that is not there. Otherwise each small change would try all of it again.
   */
  async settle(context: WriteContext): Promise<number> {
    const { tracker } = this.#options;
    let written = 0;
    if (this.#planOf(context, `link ${context.vtep}`)?.step === 'recreate')
      written += await this.#removeVtep(context);
    if (context.peersKnown && !this.#peersKnown) tracker.recall();
    this.#peersKnown = context.peersKnown;
    written += await this.#write(context, this.#linkChanges(context), true);
    this.#recallIfRecovered();
    this.#forgetAdmissions(context);
    written += await this.#write(context, this.#changes(context), true);
    if (this.#recallIfRecovered()) written += await this.#write(context, this.#changes(context), true);
    // Last, for routes may have used it until just now.
    written += await this.#write(context, (context.surplus ?? []).map(removal), false);
    for (const key of this.#failures.keys()) if (!tracker.deviates(key)) this.#failures.delete(key);
    return written;
  }

  #recallIfRecovered(): boolean {
    const recovered = this.#recovered;
    if (recovered) this.#options.tracker.recall();
    this.#recovered = false;
    return recovered;
  }

  /** Devices come first: what stands on them is tried only where they are. */
  #linkChanges(context: WriteContext): readonly KernelChange[] {
    const changes: KernelChange[] = [];
    for (const difference of this.#options.tracker.differences(['link'])) {
      if (difference.want === undefined) continue;
      const plan = planDifference(difference, context);
      if (plan.step === 'change') changes.push(plan.change);
      if (plan.step === 'obstructed')
        this.#failures.set(difference.key, { object: plan.object, error: plan.error });
    }
    return changes;
  }

  /** What is to be written now of everything but devices that are wanted; the tracker keeps the rest. */
  #changes(context: WriteContext): readonly KernelChange[] {
    const { tracker } = this.#options;
    const changes: KernelChange[] = [];
    const missing = this.#missingDevices(context);
    for (const difference of tracker.differences()) {
      const { key, have, want } = difference;
      if (want?.kind === 'link') continue;
      if (missing.size > 0 && want !== undefined && standsOnAny(want, missing, context.vtep)) {
        tracker.putAside(key);
        continue;
      }
      if (missing.size > 0 && have !== undefined && standsOnAny(have, missing, context.vtep)) continue;
      const plan = planDifference(difference, context);
      if (plan.step === 'change') changes.push(plan.change);
      if (plan.step === 'forget') tracker.observe(key, undefined);
      if (plan.step === 'wait') tracker.putAside(key);
    }
    return changes;
  }

  /** Devices that are wanted and could not be made, or whose names somebody else's devices have. */
  #missingDevices(context: WriteContext): ReadonlySet<string> {
    const missing = new Set<string>();
    for (const object of this.#options.tracker.wantedOf('link')) {
      if (object.kind !== 'link') continue;
      const plan = this.#planOf(context, keyOf(object));
      if (plan?.step === 'obstructed' || (plan?.step === 'change' && plan.change.op === 'add'))
        missing.add(object.name);
    }
    return missing;
  }

  /** The elements of the admission set go with their table, so a table that is written needs all of them again. */
  #forgetAdmissions(context: WriteContext): void {
    const { tracker } = this.#options;
    if (this.#planOf(context, `nftables inet ${ADMISSION_TABLE}`)?.step !== 'change') return;
    // Without those that were refused the table would shut the tunnel to their peers.
    tracker.recall(['admission']);
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
    const vtep = new Set([context.vtep]);
    const goesAlong = (object: KernelObject) =>
      isLinkOf(object, context.vtep) || standsOnAny(object, vtep, context.vtep);
    const present = [...tracker.presentObjects()].filter(goesAlong);
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
      if (tracked) {
        this.#failures.set(keyOf(change.object), failure);
        this.#options.tracker.putAside(keyOf(change.object));
      } else this.#surplusFailures.set(surplusKey(change.object), failure);
    }
    for (const change of changes) if (!failed.has(change)) this.#note(context, change, tracked);
    const astray = strayRoutes(changes, failed);
    if (astray.length > 0) await this.#takeBack(context, astray);
    return changes.length - failures.length - astray.length;
  }

  /** They wait, as if they had been refused, until their nexthops are there. */
  async #takeBack(context: WriteContext, routes: readonly Route[]): Promise<void> {
    await this.#write(context, routes.map(removal), true);
    for (const route of routes) this.#options.tracker.putAside(keyOf(route));
  }

  #note({ vtep }: WriteContext, change: KernelChange, tracked: boolean): void {
    const { op, object } = change;
    const { tracker, ids } = this.#options;
    if (!tracked) this.#surplusFailures.delete(surplusKey(object));
    else {
      if (this.#failures.size > 0 && this.#failures.delete(keyOf(object))) this.#recovered = true;
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

/** Routes that were written to nexthops which were not: the ids lead wherever the programs want that hold them. */
function strayRoutes(changes: readonly KernelChange[], failed: ReadonlySet<KernelChange>): readonly Route[] {
  const ids = new Set<number>();
  for (const { op, object } of failed) if (op !== 'remove' && object.kind === 'nexthop') ids.add(object.id);
  if (ids.size === 0) return [];
  return changes.flatMap((change) => {
    const { op, object } = change;
    if (op === 'remove' || object.kind !== 'route' || failed.has(change)) return [];
    return object.target.type === 'nexthop' && ids.has(object.target.id) ? [object] : [];
  });
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

/** Whether an object stands on one of these devices, is a setting of it, a port of it or a route into its tunnel. */
function standsOnAny(object: KernelObject, devices: ReadonlySet<string>, vtep: string): boolean {
  switch (object.kind) {
    case 'address':
    case 'neighbour':
    case 'fdb':
    case 'nexthop':
    case 'offload':
      return devices.has(object.device);
    case 'port':
      return devices.has(object.bridge);
    case 'route':
      return object.target.type !== 'unreachable' && devices.has(vtep);
    case 'sysctl':
      return object.key.split('/').some((part) => devices.has(part));
    case 'link':
    case 'rule':
    case 'nftables':
    case 'admission':
    case 'docker-accept':
      return false;
  }
}
