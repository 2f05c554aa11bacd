import {
  type AddressSpaceDefinition,
  claimsOf,
  type LogRecord,
  type NetworkId,
  type NetworkRecord,
  type NodeId,
  type NodeRecord,
  refOf,
} from '@overlay/model';
import { keyOf } from '../log-keys.js';
import { checkNetworks } from './check-networks.js';
import { checkNode } from './check-node.js';
import type { LogProblem } from './log-problem.js';

/**
 * Checks every rule of {@link LogRule} over the records of one snapshot, given in batches in any order. Empty if the
 * log is right. O(records), one entry in memory for each.
 * @throws whatever reading the batches throws, for example `data_loss` for an entry that cannot be read.
 */
export async function verifyLog(
  records: AsyncIterable<readonly LogRecord[]> | Iterable<readonly LogRecord[]>,
): Promise<readonly LogProblem[]> {
  const audit = new LogAudit();
  for await (const batch of records) for (const record of batch) audit.take(record);
  return audit.finish();
}

/** What was read so far; judged when all is read, for the order of the records says nothing. */
class LogAudit {
  readonly #problems: LogProblem[] = [];
  readonly #networks = new Map<NetworkId, NetworkRecord>();
  readonly #nodes = new Map<string, { readonly kind: 'node' | 'former-node'; readonly node: NodeRecord }>();
  readonly #claims = new Map<string, NodeId>();
  #addressSpace: AddressSpaceDefinition | undefined;

  take(record: LogRecord): void {
    const key = keyOf(refOf(record));
    if (this.#isThere(key, record)) {
      const rule = record.kind === 'address-space' ? 'one-address-space' : 'one-record';
      this.#problems.push({ key, rule, description: 'stands in the log twice' });
      return;
    }
    switch (record.kind) {
      case 'address-space':
        this.#addressSpace = record.addressSpace;
        return;
      case 'network':
        this.#networks.set(record.network.id, record.network);
        return;
      case 'node':
      case 'former-node':
        this.#nodes.set(key, record);
        return;
      case 'claim':
        this.#claims.set(key, record.claim.nodeId);
        return;
    }
  }

  finish(): readonly LogProblem[] {
    if (this.#addressSpace === undefined) {
      const description = 'is missing: the log is empty, or an import into it was interrupted';
      this.#report('address-space', 'one-address-space', description);
    }
    this.#problems.push(...checkNetworks(this.#addressSpace, [...this.#networks.values()]));
    const around = { addressSpace: this.#addressSpace, networks: this.#networks };
    const holders = new Map<string, string>();
    for (const [key, { kind, node }] of this.#nodes) {
      this.#problems.push(...checkNode(key, node, around));
      if (kind === 'former-node' && this.#nodes.has(keyOf({ kind: 'node', id: node.id }))) {
        this.#report(key, 'one-record', `node ${node.id} is there as well; it is deleted or there, not both`);
      }
      for (const held of claimsOf(node, kind)) {
        this.#checkHeld(key, node.id, keyOf(refOf({ kind: 'claim', claim: held })), holders);
      }
    }
    for (const [claim, nodeId] of this.#claims) {
      if (holders.has(claim)) continue;
      this.#report(claim, 'claim-in-use', `stands for node ${nodeId}, whose record does not have it`);
    }
    return this.#problems;
  }

  #checkHeld(key: string, nodeId: NodeId, claim: string, holders: Map<string, string>): void {
    const value = claim.slice('claim/'.length);
    const other = holders.get(claim);
    if (other !== undefined && other !== key) {
      this.#report(key, 'one-owner', `has ${value}, which ${other} has too`);
    }
    holders.set(claim, key);
    const owner = this.#claims.get(claim);
    if (owner === nodeId) return;
    const state = owner === undefined ? 'is missing' : `stands for node ${owner}`;
    this.#report(key, 'claimed', `has ${value}, and the claim ${claim} ${state}`);
  }

  #isThere(key: string, record: LogRecord): boolean {
    switch (record.kind) {
      case 'address-space':
        return this.#addressSpace !== undefined;
      case 'network':
        return this.#networks.has(record.network.id);
      case 'node':
      case 'former-node':
        return this.#nodes.has(key);
      case 'claim':
        return this.#claims.has(key);
    }
  }

  #report(key: string, rule: LogProblem['rule'], description: string): void {
    this.#problems.push({ key, rule, description });
  }
}
