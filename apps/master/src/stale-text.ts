/** Header that carries why an answer may be out of date, over HTTP and gRPC. Absent while it is current. */
export const STALE_HEADER = 'overlay-stale';

/** Reasons for which a master is not ready, in one line of what a header may carry (RFC 9110 section 5.5). */
export function staleText(reasons: readonly string[]): string {
  return reasons.join('; ').replaceAll(/[^\x20-\x7e]+/g, ' ');
}
