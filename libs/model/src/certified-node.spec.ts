import { describe, expect, it } from '@jest/globals';
import { certifiedNodeOf } from './certified-node.js';

describe('what a certificate says of a node', () => {
  it.each([
    ['', undefined],
    ['DNS:localhost, IP Address:127.0.0.1', undefined],
    ['URI:spiffe://example.org/overlay/operator/anna', undefined],
    ['URI:spiffe://example.org/other/overlay/node/n1', undefined],
    ['URI:https://example.org/overlay/node/n1', undefined],
    ['DNS:"n1, URI:spiffe://example.org/overlay/node/n1"', undefined],
    ['URI:spiffe://example.org/overlay/node/n1', { nodeIds: ['n1'], ips: [] }],
    [
      'DNS:h1, IP Address:10.0.0.7, URI:spiffe://a.b/overlay/node/n1, IP Address:FD00:0:0:0:0:0:0:7',
      { nodeIds: ['n1'], ips: ['10.0.0.7', 'fd00::7'] },
    ],
    ['URI:spiffe://a/overlay/node/n1, URI:spiffe://a/overlay/node/n2', { nodeIds: ['n1', 'n2'], ips: [] }],
    ['URI:spiffe://a/overlay/node/n1, IP Address:<invalid>', { nodeIds: ['n1'], ips: ['<invalid>'] }],
    ['URI:spiffe://a/overlay/node/', { nodeIds: [''], ips: [] }],
    ['URI:SPIFFE://Example.ORG/overlay/node/n1', { nodeIds: ['n1'], ips: [] }],
    ['URI:spiffe://example.org:8443/overlay/node/n1', { nodeIds: ['n1'], ips: [] }],
    ['URI:spiffe:///overlay/node/n1', { nodeIds: ['n1'], ips: [] }],
    [String.raw`URI:"spiffe://a/overlay/node/n1,\"x\u0001"`, { nodeIds: ['n1,"x\u0001'], ips: [] }],
    ['URI:spiffe://a/overlay/node/n1/../n2', { nodeIds: ['n1/../n2'], ips: [] }],
  ])('of %j is %j', (names, expected) => {
    expect(certifiedNodeOf(names)).toEqual(expected);
  });

  it('is not put together out of a quoted name', () => {
    const names = String.raw`DNS:"x\", URI:spiffe://a/overlay/node/n2", URI:spiffe://a/overlay/node/n1`;
    expect(certifiedNodeOf(names)).toEqual({ nodeIds: ['n1'], ips: [] });
  });
});
