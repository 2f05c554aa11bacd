/**
 * The rules that a log keeps. A rule that is broken means that something else than a master wrote the log, that it
 * is damaged, or that a master is wrong.
 *
 * - `one-address-space`: the shared address space is written exactly once.
 * - `one-record`: an entry stands there once, and a node is there or deleted, not both.
 * - `address-rules`: address space and networks keep the rules of every configuration; no two subnets overlap.
 * - `known-network`: what a node has, it has in a network that is there, and once in each.
 * - `block-in-network`: a block lies in its network's subnet and has its block length (so it is aligned).
 * - `vtep-in-subnet`: a VTEP address is a host address of the VTEP subnet of its family.
 * - `vtep-mac`: a VTEP's MAC is the OUI and the low 24 bits of its IPv4 address.
 * - `one-owner`: no value is in the records of two nodes.
 * - `claimed`: what a node has is claimed for it, what a deleted node keeps as well.
 * - `claim-in-use`: a claim's node has what is claimed.
 */
export type LogRule =
  | 'one-address-space'
  | 'one-record'
  | 'address-rules'
  | 'known-network'
  | 'block-in-network'
  | 'vtep-in-subnet'
  | 'vtep-mac'
  | 'one-owner'
  | 'claimed'
  | 'claim-in-use';

/** One entry that breaks one rule. */
export interface LogProblem {
  /** Key of the entry, for example `node/n1` (see `keyOf`). */
  readonly key: string;
  readonly rule: LogRule;
  /** What the entry says and what it ought to say. */
  readonly description: string;
}
