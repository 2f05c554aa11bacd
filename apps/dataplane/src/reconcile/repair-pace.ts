import { type KernelObject, keyOf } from '../kernel/kernel-object.js';
import type { CheckStep } from './plan-check.js';

/** The longest wait before a repair when somebody undoes each of them. */
const SLOWEST_MS = 5_000;
/** What needs repair again within this time is being fought over. */
const CALM_MS = 15_000;

/**
 * How long a look waits that may lead to a repair: twice as long each time that an object needs repair again soon, so
 * that who undoes our repairs meets no race. What concerns other objects alone does not wait for that.
 */
export class RepairPace {
  readonly #shortestMs: number;
  /**
   * What was repaired and is not calm yet, the latest last: each object by its key, and what is fought over by its kind
   * and device too, for a look at these finds it.
   */
  readonly #repairs = new Map<string, { readonly atMs: number; readonly waitMs: number }>();

  /** @param shortestMs the wait where nothing is fought over */
  constructor(shortestMs: number) {
    this.#shortestMs = shortestMs;
  }

  /** Notes what was just repaired. */
  note(repaired: readonly KernelObject[], nowMs: number): void {
    this.#forgetCalm(nowMs);
    for (const object of repaired) {
      const key = keyOf(object);
      const before = this.#repairs.get(key);
      const waitMs = before === undefined ? this.#shortestMs : Math.min(SLOWEST_MS, 2 * before.waitMs);
      this.#set(key, waitMs, nowMs);
      if (before === undefined) continue;
      for (const name of [object.kind, ...devicesOf(object)])
        this.#set(name, Math.max(waitMs, this.#repairs.get(name)?.waitMs ?? 0), nowMs);
    }
  }

  /** How long to wait before what a step asks for is looked at. */
  waitMs(step: CheckStep, nowMs: number): number {
    this.#forgetCalm(nowMs);
    if (this.#repairs.size === 0) return this.#shortestMs;
    const waits = namesIn(step).map((name) => this.#repairs.get(name)?.waitMs ?? 0);
    return Math.max(this.#shortestMs, ...waits);
  }

  #set(name: string, waitMs: number, atMs: number): void {
    this.#repairs.delete(name);
    this.#repairs.set(name, { atMs, waitMs });
  }

  #forgetCalm(nowMs: number): void {
    for (const [name, { atMs }] of this.#repairs) {
      if (nowMs - atMs <= CALM_MS) return;
      this.#repairs.delete(name);
    }
  }
}

/** The words of a setting's key name its device, wherever it stands. */
function devicesOf(object: KernelObject): readonly string[] {
  switch (object.kind) {
    case 'link':
      return [object.name];
    case 'address':
    case 'port':
    case 'offload':
      return [object.device];
    case 'sysctl':
      return object.key.split('/');
    default:
      return [];
  }
}

function namesIn(step: CheckStep): readonly string[] {
  switch (step.step) {
    case 'kinds':
      return [...step.kinds];
    case 'devices':
      return step.devices;
    case 'entry':
      return [step.key];
    case 'settled':
    case 'retry':
    case 'none':
      return [];
  }
}
