import type { IpAddress } from '@overlay/allocation';
import type { Nexthop } from '../kernel/kernel-object.js';

const LOW_BITS = 0xffffff;

/**
 * Which nexthop id leads to which gateway. Ids are shared by all programs of a host, so one that another program
 * holds is skipped; one that the kernel already has for a gateway of ours is kept, whatever its number.
 */
export class NexthopIds {
  readonly #byGateway = new Map<IpAddress, number>();
  readonly #taken = new Set<number>();

  /** Forgets everything and starts from what stands in the kernel. */
  restart(ours: readonly Nexthop[], foreign: ReadonlySet<number>): void {
    this.#byGateway.clear();
    this.#taken.clear();
    for (const id of foreign) this.#taken.add(id);
    for (const { gateway, id } of ours) {
      this.#taken.add(id);
      if (!this.#byGateway.has(gateway)) this.#byGateway.set(gateway, id);
    }
  }

  /** The gateway's id; a new one is `preferred` or the next free id of the same range, wrapping at its end. */
  idOf(gateway: IpAddress, preferred: number): number {
    const known = this.#byGateway.get(gateway);
    if (known !== undefined) return known;
    const base = preferred - (preferred % (LOW_BITS + 1));
    let id = preferred;
    while (this.#taken.has(id)) id = base + ((id + 1) & LOW_BITS);
    this.#taken.add(id);
    this.#byGateway.set(gateway, id);
    return id;
  }

  /** The kernel no longer has this nexthop. */
  release(nexthop: Nexthop): void {
    if (this.#byGateway.get(nexthop.gateway) !== nexthop.id) return;
    this.#byGateway.delete(nexthop.gateway);
    this.#taken.delete(nexthop.id);
  }
}
