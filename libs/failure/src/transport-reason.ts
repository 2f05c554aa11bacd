/**
 * What went wrong with a connection or a listener, in the system's words (`connect ECONNREFUSED 10.0.0.1:2379`), out of
 * what gRPC says of it: grpc-js wraps them in remarks on its inner workings, and OpenSSL in places of its source. Any
 * other text passes unchanged.
 */
export function transportReason(text: string): string {
  const reason = text
    .replace(/^\d+ [A-Z_]+: /, '')
    .replace(/^(?:\w+: )?No connection established\. Last error: (?:Error: )?/, '')
    .replace(/\.? Resolution note:.*$/s, '')
    .replace(/^No address added out of total \d+ resolved errors: \[(.*)\]$/s, '$1')
    .replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)$/, '')
    .replace(/^(?:[\dA-F]+:)?error:[\dA-F]+:SSL routines:[^:]*:([^:]+).*$/s, 'TLS: $1');
  if (reason === 'Failed to connect') return 'the connection was closed at once';
  if (reason === 'Channel closed before call started')
    return 'it did not answer, and the connection was given up';
  if (reason === 'Protocol error') return 'the answer is no gRPC';
  const late = /^Deadline exceeded after (\d+(?:\.\d+)?)s/.exec(reason)?.[1];
  if (late !== undefined) return `no answer within ${late} s`;
  const name = /^Name resolution failed for target (?:\w+:)?(.+)$/.exec(reason)?.[1];
  return name === undefined ? reason : `the name in ${name} cannot be resolved`;
}
