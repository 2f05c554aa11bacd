import { type FieldViolation, isFailure } from '@overlay/failure';
import { fieldPath } from '../field-path.js';
import { isLocalListener, type ListenAddress, parseListenAddress } from '../listen-address.js';
import { isBlock } from './raw-configuration.js';
import { isTlsSet } from './tls-files.js';

/**
 * The rule that a listener which other hosts can reach needs TLS or the operator's word.
 * @param canTls whether the app has the key `tls`.
 */
export function checkListeners(
  raw: Readonly<Record<string, unknown>>,
  canTls: boolean,
): readonly FieldViolation[] {
  const listeners = raw.listen;
  if (raw.insecure === true || (canTls && isTlsSet(raw.tls)) || !isBlock(listeners)) return [];
  return Object.entries(listeners).flatMap(([name, text]) => {
    const address = typeof text === 'string' ? readable(text) : undefined;
    if (address === undefined || isLocalListener(address)) return [];
    const ways = canTls ? 'set tls, or insecure: true if' : 'set insecure: true if';
    const rule = `other hosts can reach it without authentication; ${ways} that is meant, or listen on 127.0.0.1`;
    return [{ field: fieldPath('listen', name), description: `${String(text)}: ${rule}` }];
  });
}

function readable(text: string): ListenAddress | undefined {
  try {
    return parseListenAddress(text);
  } catch (thrown) {
    if (isFailure(thrown, 'invalid_argument')) return undefined;
    throw thrown;
  }
}
