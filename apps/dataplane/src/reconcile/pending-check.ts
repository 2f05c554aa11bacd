import { KERNEL_OBJECT_KINDS, type KernelObjectKind, keyOf } from '../kernel/kernel-object.js';
import type { CheckScope, EntryReport } from './check-scope.js';
import type { CheckStep } from './plan-check.js';

/** What the next check has to look at, gathered from events in the order in which they came. */
export class PendingCheck {
  #kinds = new Set<KernelObjectKind>();
  #devices = new Set<string>();
  #entries = new Map<string, EntryReport>();
  #retries = new Set<string>();
  #due = false;

  /** Whether a check is to be made. */
  get due(): boolean {
    return this.#due;
  }

  /** Takes what is to be done about one event. */
  add(step: CheckStep): void {
    switch (step.step) {
      case 'kinds':
        for (const kind of step.kinds) this.#kinds.add(kind);
        break;
      case 'devices':
        for (const device of step.devices) this.#devices.add(device);
        break;
      case 'entry':
        this.#note(step.key, step.report);
        break;
      case 'settled':
        this.#settled(step.key);
        return;
      case 'retry':
        this.#retries.add(step.key);
        if (step.report !== undefined) this.#note(step.key, step.report);
        break;
      case 'none':
        return;
    }
    this.#due = true;
  }

  /** Everything gathered so far; starts anew. */
  take(): CheckScope {
    const entries = new Map([...this.#entries].filter(([, { object }]) => !this.#kinds.has(object.kind)));
    // Where everything is read there is nothing to look at alone.
    const devices = this.#kinds.size === KERNEL_OBJECT_KINDS.length ? new Set<string>() : this.#devices;
    const scope = { kinds: this.#kinds, devices, entries, retries: this.#retries };
    this.#kinds = new Set();
    this.#devices = new Set();
    this.#entries = new Map();
    this.#retries = new Set();
    this.#due = false;
    return scope;
  }

  /** Two strays under one key may both be there. */
  #note(key: string, report: EntryReport): void {
    const before = this.#entries.get(key);
    if (before !== undefined && !before.gone && !report.gone && report.object.kind !== 'neighbour')
      this.#kinds.add(report.object.kind);
    if (!report.gone) this.#noteReturn(key, before);
    this.#entries.set(key, report);
  }

  /** A nexthop that went and came back is without its routes. */
  #noteReturn(key: string, before: EntryReport | undefined): void {
    if (before?.object.kind === 'nexthop' && keyOf(before.object) === key && before.gone)
      for (const kind of ['nexthop', 'route'] as const) this.#kinds.add(kind);
  }

  #settled(key: string): void {
    const before = this.#entries.get(key);
    if (before === undefined) return;
    this.#entries.delete(key);
    this.#noteReturn(key, before);
    // The check may be due for this alone.
    this.#due = this.#kinds.size + this.#devices.size + this.#entries.size + this.#retries.size > 0;
  }
}
