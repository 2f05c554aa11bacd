/**
 * What a candidate is called in the log: the address where agents and operators reach it, and an id that no other
 * process has, so that a restarted master is another candidate than the one before.
 */
export function candidateOf(address: string, instanceId: string): string {
  return `${address}#${instanceId}`;
}

/** The address in a candidate's name. */
export function addressOfCandidate(candidate: string): string {
  return candidate.split('#')[0] ?? '';
}
