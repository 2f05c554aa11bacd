import { cidrFamily, type IpFamily, prefixLength } from '@overlay/allocation';
import type { NetworkId, NetworkRecord, NodeRecord, SubnetPlan } from '@overlay/model';

type Counts = Readonly<Record<IpFamily, number>>;

const NONE: Counts = { 4: 0, 6: 0 };

/**
 * How many blocks of each network the records hold, by family: what a master knows of free blocks without pools, which
 * the leader alone has. Those that are kept for a former node count as well.
 */
export class BlockCounts {
  readonly #counts = new Map<NetworkId, Counts>();

  /** Replaces what one record holds by what it holds from now on. */
  replace(before: NodeRecord | undefined, after: NodeRecord | undefined): void {
    if (before?.networks === after?.networks) return;
    this.#add(before, -1);
    this.#add(after, 1);
  }

  /** True if the network has no block left in any one of its families: it can serve no further node then. */
  isFull({ id, definition: { ipv4, ipv6 } }: NetworkRecord): boolean {
    const held = this.#counts.get(id) ?? NONE;
    return isUsedUp(ipv4, held[4]) || isUsedUp(ipv6, held[6]);
  }

  #add(node: NodeRecord | undefined, step: 1 | -1): void {
    for (const { networkId, prefixes } of node?.networks ?? []) {
      for (const prefix of prefixes) {
        const family = cidrFamily(prefix);
        const counts = this.#counts.get(networkId) ?? NONE;
        const after = { ...counts, [family]: counts[family] + step };
        if (after[4] === 0 && after[6] === 0) this.#counts.delete(networkId);
        else this.#counts.set(networkId, after);
      }
    }
  }
}

function isUsedUp(plan: SubnetPlan | undefined, held: number): boolean {
  return plan !== undefined && held >= 2 ** (plan.blockLength - prefixLength(plan.subnet));
}
