import type { KernelObject } from '../kernel-object.js';
import type { Cabling } from '../kernel-tables.js';

/** Veth devices and bridges of the kernel in memory, and the numbers that they get. */
export class FakeCabling {
  readonly #indexes = new Map<string, number>();
  readonly #veths = new Set<string>();
  #next = 10;

  /** A container's end of a pair comes, without a bridge. */
  addVeth(device: string): void {
    this.#veths.add(device);
    this.#number(device);
  }

  /** The pair goes. */
  removeVeth(device: string): void {
    this.#veths.delete(device);
  }

  has(device: string): boolean {
    return this.#veths.has(device);
  }

  /** A device came; it gets a number unless it had one. */
  came(device: string): void {
    if (!this.#indexes.has(device)) this.#number(device);
  }

  /** A device went; one that comes after it under its name has another number. */
  went(device: string): void {
    this.#indexes.delete(device);
  }

  /**
   * What is plugged where, given everything that stands in the kernel.
   * @param only the devices to look at
   */
  view(objects: Iterable<KernelObject>, only?: ReadonlySet<string>): Cabling {
    const within = (device: string) => only === undefined || only.has(device);
    const bridges = new Map<string, number>();
    const ports = new Map<string, { readonly bridgeIndex: number; readonly hairpin: boolean }>();
    for (const object of objects) {
      if (object.kind === 'link' && object.type === 'bridge' && within(object.name))
        bridges.set(object.name, this.#indexes.get(object.name) ?? 0);
      if (object.kind === 'port')
        ports.set(object.device, {
          bridgeIndex: this.#indexes.get(object.bridge) ?? 0,
          hairpin: object.hairpin,
        });
    }
    const veths = [...this.#veths].filter(within).map((device) => ({
      device,
      index: this.#indexes.get(device) ?? 0,
      hairpin: false,
      leadsElsewhere: true,
      ...ports.get(device),
    }));
    return { bridges, veths };
  }

  #number(device: string): void {
    this.#next += 1;
    this.#indexes.set(device, this.#next);
  }
}
