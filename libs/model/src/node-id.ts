import { OverlayError } from '@overlay/failure';
import type { NodeId } from './records.js';

const ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/**
 * Parses a node's id: 1 to 64 characters of `[A-Za-z0-9_.-]`, the first alphanumeric.
 * @throws OverlayError `invalid_argument` that quotes the text.
 */
export function parseNodeId(text: string): NodeId {
  if (!ID.test(text)) {
    const rule = '1 to 64 characters of A-Z a-z 0-9 _ . -, the first a letter or digit';
    throw new OverlayError('invalid_argument', `"${text}" is no node id: ${rule}`);
  }
  return text as NodeId;
}
