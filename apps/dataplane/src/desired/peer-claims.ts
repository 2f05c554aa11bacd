import { cidrsOverlap } from '@overlay/allocation';
import type { NodeId } from '@overlay/model';
import type { PeerDescription } from './peer-description.js';
import { type PlacedPrefix, PrefixOwners, placePrefix } from './prefix-owners.js';

/** A peer, and what of it belongs to one peer only. */
interface Claimant {
  readonly peer: PeerDescription;
  readonly values: readonly (readonly [ClaimKind, string])[];
  readonly prefixes: readonly PlacedPrefix[];
}

/**
 * Which peers may stand beside each other. What identifies a peer in the kernel (underlay address, VTEP
 * addresses, MAC, prefixes and whatever overlaps them) may belong to one peer only; of several that claim a value the one
 * with the lowest node id has it, whatever the order in which they came, so that a restart ends in the same tables. A
 * peer that lost is kept aside and comes in as soon as its values are free: two hosts that swap addresses need this.
 */
export class PeerClaims {
  /** By kind of value; the values are the descriptions' own, so that many peers cost no second copy of them. */
  readonly #owners = {
    underlay: new Map<string, NodeId>(),
    vtep: new Map<string, NodeId>(),
    mac: new Map<string, NodeId>(),
  };
  readonly #prefixes = new PrefixOwners<NodeId>();
  readonly #accepted = new Map<NodeId, PeerDescription>();
  readonly #refused = new Map<NodeId, { readonly peer: PeerDescription; reason: string }>();

  /** Peers without a conflict, by node id. */
  get accepted(): ReadonlyMap<NodeId, PeerDescription> {
    return this.#accepted;
  }

  /** The peer that has a VTEP address, of either family. */
  ofVtep(address: string): PeerDescription | undefined {
    const holder = this.#owners.vtep.get(address);
    return holder === undefined ? undefined : this.#accepted.get(holder);
  }

  /** Peers kept aside, and why. */
  get refused(): ReadonlyMap<NodeId, { readonly peer: PeerDescription; readonly reason: string }> {
    return this.#refused;
  }

  /**
   * Takes a batch of peers (undefined: gone) and returns the node ids whose acceptance or content may have
   * changed. Work is proportional to the batch and to the conflicts.
   */
  update(batch: ReadonlyMap<NodeId, PeerDescription | undefined>): ReadonlySet<NodeId> {
    const contested = new Map<NodeId, Claimant>();
    const changed = new Set<NodeId>(batch.keys());
    for (const nodeId of batch.keys()) this.#withdraw(nodeId);
    for (const [nodeId, peer] of batch) if (peer !== undefined) contested.set(nodeId, claimantOf(peer));
    for (const [nodeId, { peer }] of this.#refused) {
      contested.set(nodeId, claimantOf(peer));
      changed.add(nodeId);
    }
    this.#refused.clear();
    this.#pullInHolders(contested, changed);
    const ordered = [...contested].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [nodeId, claimant] of ordered) this.#admit(nodeId, claimant);
    return changed;
  }

  /** Whoever holds a value that a contested peer claims is contested too, and so on. */
  #pullInHolders(contested: Map<NodeId, Claimant>, changed: Set<NodeId>): void {
    const open = [...contested.values()];
    for (let claimant = open.pop(); claimant !== undefined; claimant = open.pop()) {
      for (const { holder } of this.#holders(claimant)) {
        const held = this.#withdraw(holder);
        if (held === undefined) continue;
        contested.set(holder, held);
        changed.add(holder);
        open.push(held);
      }
    }
  }

  /** Who holds what the peer claims. */
  #holders({ values, prefixes }: Claimant): readonly { readonly holder: NodeId; readonly reason: string }[] {
    const found: { readonly holder: NodeId; readonly reason: string }[] = [];
    for (const [kind, value] of values) {
      const holder = this.#owners[kind].get(value);
      if (holder === undefined) continue;
      found.push({ holder, reason: `${WORDS[kind]} ${value} is claimed by node ${holder} too` });
    }
    for (const place of prefixes)
      for (const [taken, holder] of this.#prefixes.overlapping(place)) {
        const { prefix } = place;
        const reason =
          taken === prefix
            ? `prefix ${prefix} is claimed by node ${holder} too`
            : `prefix ${prefix} overlaps ${taken} of node ${holder}`;
        found.push({ holder, reason });
      }
    return found;
  }

  #admit(nodeId: NodeId, claimant: Claimant): void {
    const { peer, values, prefixes } = claimant;
    const reason = this.#holders(claimant)[0]?.reason ?? contradiction(peer);
    if (reason !== undefined) {
      this.#refused.set(nodeId, { peer, reason });
      return;
    }
    for (const [kind, value] of values) this.#owners[kind].set(value, nodeId);
    for (const place of prefixes) this.#prefixes.set(place, nodeId);
    this.#accepted.set(nodeId, peer);
  }

  /** Whoever was accepted no longer is. */
  #withdraw(nodeId: NodeId): Claimant | undefined {
    const peer = this.#accepted.get(nodeId);
    this.#refused.delete(nodeId);
    if (peer === undefined) return undefined;
    const claimant = claimantOf(peer);
    for (const [kind, value] of claimant.values) this.#owners[kind].delete(value);
    for (const place of claimant.prefixes) this.#prefixes.delete(place);
    this.#accepted.delete(nodeId);
    return claimant;
  }
}

type ClaimKind = keyof typeof WORDS;

const WORDS = { underlay: 'underlay address', vtep: 'VTEP address', mac: 'VTEP MAC address' } as const;

function claimantOf(peer: PeerDescription): Claimant {
  const { ip, vtepIp, vtepIp6, vtepMac, prefixes } = peer;
  const values: [ClaimKind, string][] = [
    ['underlay', ip],
    ['vtep', vtepIp],
    ['mac', vtepMac],
  ];
  if (vtepIp6 !== undefined) values.push(['vtep', vtepIp6]);
  return { peer, values, prefixes: prefixes.map(({ prefix }) => placePrefix(prefix)) };
}

/** A peer whose own prefixes overlap. */
function contradiction({ prefixes }: PeerDescription): string | undefined {
  for (const [index, { prefix }] of prefixes.entries()) {
    const other = prefixes.slice(0, index).find((earlier) => cidrsOverlap(earlier.prefix, prefix));
    if (other !== undefined) return `prefix ${prefix} overlaps ${other.prefix} of the same node`;
  }
  return undefined;
}
