import type { ClaimRecord, NodeRecord } from './records.js';

/**
 * Every claim that stands for what a node's record holds alone: its underlay address, VTEP addresses and blocks. A
 * former node keeps all of it but the underlay address.
 */
export function claimsOf(node: NodeRecord, kind: 'node' | 'former-node' = 'node'): readonly ClaimRecord[] {
  const claims = (resource: ClaimRecord['resource'], values: readonly string[]) =>
    values.map((value) => ({ resource, value, nodeId: node.id }));
  return [
    ...claims('node-ip', kind === 'node' ? [node.ip] : []),
    ...claims('vtep', node.vtepIp6 === undefined ? [node.vtepIp] : [node.vtepIp, node.vtepIp6]),
    ...claims(
      'block',
      node.networks.flatMap(({ prefixes }) => prefixes),
    ),
  ];
}
