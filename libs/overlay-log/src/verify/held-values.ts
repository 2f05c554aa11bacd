import type { ClaimRecord, NodeRecord } from '@overlay/model';

/** A value that a node's record holds, and that a claim has to stand for. */
export type HeldValue = Pick<ClaimRecord, 'resource' | 'value'>;

/**
 * Everything that a node's record holds alone: its underlay address, VTEP addresses and prefixes. A former node
 * keeps all of it but the underlay address.
 */
export function heldValues(kind: 'node' | 'former-node', node: NodeRecord): readonly HeldValue[] {
  const values: HeldValue[] = kind === 'node' ? [{ resource: 'node-ip', value: node.ip }] : [];
  values.push({ resource: 'vtep', value: node.vtepIp });
  if (node.vtepIp6 !== undefined) values.push({ resource: 'vtep', value: node.vtepIp6 });
  for (const { prefixes } of node.networks) {
    for (const value of prefixes) values.push({ resource: 'block', value });
  }
  return values;
}
