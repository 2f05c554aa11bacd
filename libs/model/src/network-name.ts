import { OverlayError } from '@overlay/failure';
import type { NetworkId, NetworkName } from './records.js';

/** Characters in the longest network name: Linux device names have 15 (IFNAMSIZ), two go to `m-` or `d-`. */
export const NETWORK_NAME_MAX_LENGTH = 13;

/** Names that container runtimes give a meaning of their own. */
export const RESERVED_NETWORK_NAMES: ReadonlySet<string> = new Set(['host', 'bridge', 'default', 'none']);

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,12}$/;
const ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/**
 * Parses a network's name: 1 to 13 characters of `[A-Za-z0-9_.-]`, the first a letter or digit, not reserved.
 * @throws OverlayError `invalid_argument` that quotes the text and says which rule it breaks.
 */
export function parseNetworkName(text: string): NetworkName {
  if (text.length > NETWORK_NAME_MAX_LENGTH) {
    const rule = `a network name has at most ${NETWORK_NAME_MAX_LENGTH} characters`;
    const reason = 'the bridges are named m-<name> and d-<name>, and a device name has 15';
    throw new OverlayError(
      'invalid_argument',
      `"${text}" has ${text.length} characters; ${rule} (${reason})`,
    );
  }
  if (!NAME.test(text)) {
    const rule =
      'a network name has 1 to 13 characters of A-Z a-z 0-9 _ . - and starts with a letter or digit';
    throw new OverlayError('invalid_argument', `"${text}" is no network name: ${rule}`);
  }
  if (RESERVED_NETWORK_NAMES.has(text)) {
    const reserved = [...RESERVED_NETWORK_NAMES].join(', ');
    const rule = `the names ${reserved} belong to the container runtimes; choose another`;
    throw new OverlayError('invalid_argument', `"${text}" is reserved: ${rule}`);
  }
  return text as NetworkName;
}

/**
 * Parses a network's id: 1 to 64 characters of `[A-Za-z0-9_.-]`, the first alphanumeric.
 * @throws OverlayError `invalid_argument` that quotes the text.
 */
export function parseNetworkId(text: string): NetworkId {
  if (!ID.test(text)) {
    const rule = '1 to 64 characters of A-Z a-z 0-9 _ . -, the first a letter or digit';
    throw new OverlayError('invalid_argument', `"${text}" is no network id: ${rule}`);
  }
  return text as NetworkId;
}
