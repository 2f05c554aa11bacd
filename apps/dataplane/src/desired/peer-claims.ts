import { cidrsOverlap } from '@overlay/allocation';
import type { NodeId } from '@overlay/model';
import type { PeerDescription } from './peer-description.js';
import { PrefixOwners } from './prefix-owners.js';

/**
 * Which peers may stand beside each other. What identifies a peer in the kernel (underlay address, VTEP
 * addresses, MAC, prefixes and whatever overlaps them) may belong to one peer only; of several that claim a value the one with the lowest
 * node id has it, whatever the order in which they came, so that a restart ends in the same tables. A peer that
 * lost is kept aside and comes in as soon as its values are free: two hosts that swap addresses need this.
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
    const contested = new Map<NodeId, PeerDescription>();
    const changed = new Set<NodeId>(batch.keys());
    for (const nodeId of batch.keys()) this.#withdraw(nodeId);
    for (const [nodeId, peer] of batch) if (peer !== undefined) contested.set(nodeId, peer);
    for (const [nodeId, { peer }] of this.#refused) {
      contested.set(nodeId, peer);
      changed.add(nodeId);
    }
    this.#refused.clear();
    this.#pullInHolders(contested, changed);
    const ordered = [...contested].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [nodeId, peer] of ordered) this.#admit(nodeId, peer);
    return changed;
  }

  /** Whoever holds a value that a contested peer claims is contested too, and so on. */
  #pullInHolders(contested: Map<NodeId, PeerDescription>, changed: Set<NodeId>): void {
    const open = [...contested.values()];
    for (let peer = open.pop(); peer !== undefined; peer = open.pop()) {
      for (const { holder } of this.#holders(peer)) {
        const held = this.#accepted.get(holder);
        if (held === undefined) continue;
        this.#withdraw(holder);
        contested.set(holder, held);
        changed.add(holder);
        open.push(held);
      }
    }
  }

  /** Who holds what the peer claims. */
  #holders(peer: PeerDescription): readonly { readonly holder: NodeId; readonly reason: string }[] {
    const found: { readonly holder: NodeId; readonly reason: string }[] = [];
    for (const [kind, value] of claimsOf(peer)) {
      const holder = this.#owners[kind].get(value);
      if (holder === undefined) continue;
      found.push({ holder, reason: `${WORDS[kind]} ${value} is claimed by node ${holder} too` });
    }
    for (const { prefix } of peer.prefixes)
      for (const [taken, holder] of this.#prefixes.overlapping(prefix)) {
        const reason =
          taken === prefix
            ? `prefix ${prefix} is claimed by node ${holder} too`
            : `prefix ${prefix} overlaps ${taken} of node ${holder}`;
        found.push({ holder, reason });
      }
    return found;
  }

  #admit(nodeId: NodeId, peer: PeerDescription): void {
    const reason = this.#holders(peer)[0]?.reason ?? contradiction(peer);
    if (reason !== undefined) {
      this.#refused.set(nodeId, { peer, reason });
      return;
    }
    for (const [kind, value] of claimsOf(peer)) this.#owners[kind].set(value, nodeId);
    for (const { prefix } of peer.prefixes) this.#prefixes.set(prefix, nodeId);
    this.#accepted.set(nodeId, peer);
  }

  #withdraw(nodeId: NodeId): void {
    const peer = this.#accepted.get(nodeId);
    this.#refused.delete(nodeId);
    if (peer === undefined) return;
    for (const [kind, value] of claimsOf(peer)) this.#owners[kind].delete(value);
    for (const { prefix } of peer.prefixes) this.#prefixes.delete(prefix);
    this.#accepted.delete(nodeId);
  }
}

type ClaimKind = keyof typeof WORDS;

const WORDS = { underlay: 'underlay address', vtep: 'VTEP address', mac: 'VTEP MAC address' } as const;

function claimsOf({
  ip,
  vtepIp,
  vtepIp6,
  vtepMac,
}: PeerDescription): readonly (readonly [ClaimKind, string])[] {
  return [
    ['underlay', ip],
    ['vtep', vtepIp],
    ...(vtepIp6 === undefined ? [] : [['vtep', vtepIp6] as const]),
    ['mac', vtepMac],
  ];
}

/** A peer whose own prefixes overlap. */
function contradiction({ prefixes }: PeerDescription): string | undefined {
  for (const [index, { prefix }] of prefixes.entries()) {
    const other = prefixes.slice(0, index).find((earlier) => cidrsOverlap(earlier.prefix, prefix));
    if (other !== undefined) return `prefix ${prefix} overlaps ${other.prefix} of the same node`;
  }
  return undefined;
}
