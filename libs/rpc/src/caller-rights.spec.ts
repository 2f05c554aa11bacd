import { describe, expect, it } from '@jest/globals';
import { certifiedNodeOf } from '@overlay/model';
import { requireNode, requireOperator } from './caller-rights.js';

const holderOf = (names: string) => ({ certifiedNode: () => certifiedNodeOf(names) });
const anybody = holderOf('');
const n1 = holderOf('URI:spiffe://example.org/overlay/node/n1');
const n1At7 = holderOf('URI:spiffe://example.org/overlay/node/n1, IP Address:10.0.0.7');

describe('what a certificate allows', () => {
  it.each([
    ['anybody, where no certificate is required', anybody, { nodeId: 'n1', certificateRequired: false }],
    ['the node itself', n1, { nodeId: 'n1', certificateRequired: true }],
    ['the node at any address', n1, { nodeId: 'n1', ip: '10.0.0.8', certificateRequired: true }],
    ['the node at its address', n1At7, { nodeId: 'n1', ip: '10.0.0.7', certificateRequired: true }],
    ['the node, where no address is claimed', n1At7, { nodeId: 'n1', certificateRequired: false }],
  ])('to speak for a node: %s', (_who, caller, rule) => {
    expect(() => requireNode(caller, rule)).not.toThrow();
  });

  it.each([
    ['anybody', anybody, { nodeId: 'n1', certificateRequired: true }, 'only the certificate of node n1'],
    ['another node', n1, { nodeId: 'n2', certificateRequired: false }, 'is for node n1'],
    ['a prefix of the id', n1, { nodeId: 'n', certificateRequired: false }, 'is for node n1'],
    ['elsewhere', n1At7, { nodeId: 'n1', ip: '10.0.0.70', certificateRequired: false }, 'claim 10.0.0.70'],
  ])('not to speak for a node: %s', (_who, caller, rule, words) => {
    expect(() => requireNode(caller, rule)).toThrow(
      expect.objectContaining({ code: 'permission_denied', message: expect.stringContaining(words) }),
    );
  });

  it('to do what operators do, unless it is of a node', () => {
    expect(() => requireOperator(anybody, 'DeleteAgents')).not.toThrow();
    expect(() => requireOperator(n1, 'DeleteAgents')).toThrow(
      'DeleteAgents is not for nodes, and the certificate is of node n1',
    );
  });
});
