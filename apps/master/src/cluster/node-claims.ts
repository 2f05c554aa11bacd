import { type ClaimRecord, claimsOf, type Mutation, type NodeRecord } from '@overlay/model';

/** Creates the claims that `after` has and `before` has not. A claim that exists makes the commit fail. */
export function addedClaims(before: NodeRecord | undefined, after: NodeRecord): readonly Mutation[] {
  return without(claimsOf(after), before).map((claim) => ({
    op: 'create',
    record: { kind: 'claim', claim },
  }));
}

/** Removes the claims that `before` has and `after` has not. */
export function removedClaims(
  before: NodeRecord | undefined,
  after: NodeRecord | undefined,
): readonly Mutation[] {
  const gone = before === undefined ? [] : without(claimsOf(before), after);
  return gone.map(({ resource, value }) => ({ op: 'delete', ref: { kind: 'claim', resource, value } }));
}

function without(claims: readonly ClaimRecord[], node: NodeRecord | undefined): readonly ClaimRecord[] {
  const held = new Set(node === undefined ? [] : claimsOf(node).map(keyOf));
  return claims.filter((claim) => !held.has(keyOf(claim)));
}

function keyOf(claim: ClaimRecord): string {
  return `${claim.resource} ${claim.value}`;
}
