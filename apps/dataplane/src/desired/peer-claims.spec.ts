import { describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { DCOS, peer } from '../reconcile/testing/host-fixture.js';
import { PeerClaims } from './peer-claims.js';
import type { PeerDescription } from './peer-description.js';

const having = (n: number, ...prefixes: readonly string[]): PeerDescription => ({
  ...peer(n),
  prefixes: prefixes.map((prefix) => ({ networkId: DCOS.id, prefix: parseCidr(prefix) })),
});

/** Who is refused after these came one by one. */
function refusals(...peers: readonly PeerDescription[]): Record<string, string> {
  const claims = new PeerClaims();
  for (const each of peers) claims.update(new Map([[each.nodeId, each]]));
  return Object.fromEntries([...claims.refused].map(([nodeId, { reason }]) => [nodeId, reason]));
}

describe('PeerClaims', () => {
  it.each([
    ['the same block', '9.0.1.0/26', 'prefix 9.0.1.0/26 is claimed by node node-1 too'],
    ['a block within', '9.0.1.16/28', 'prefix 9.0.1.16/28 overlaps 9.0.1.0/26 of node node-1'],
    ['a block around', '9.0.0.0/16', 'prefix 9.0.0.0/16 overlaps 9.0.1.0/26 of node node-1'],
  ])('gives a block to the lowest node id, whoever came first: %s', (_, prefix, reason) => {
    const [owner, thief] = [having(1, '9.0.1.0/26'), having(2, prefix)];
    expect(refusals(owner, thief)).toEqual({ 'node-2': reason });
    expect(refusals(thief, owner)).toEqual({ 'node-2': reason });
  });

  it('takes who waited when the owner goes', () => {
    const claims = new PeerClaims();
    const [owner, heir] = [having(1, '9.0.1.0/26'), having(2, '9.0.1.0/24')];
    claims.update(new Map([owner, heir].map((each) => [each.nodeId, each])));
    expect(claims.update(new Map([[owner.nodeId, undefined]]))).toContain(heir.nodeId);
    expect([...claims.accepted.keys()]).toEqual([heir.nodeId]);
  });

  it('refuses a peer that contradicts itself', () => {
    expect(refusals(having(1, '9.0.1.0/24', '9.0.1.0/26'))).toEqual({
      'node-1': 'prefix 9.0.1.0/26 overlaps 9.0.1.0/24 of the same node',
    });
  });
});
