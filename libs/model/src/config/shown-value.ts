import { isBlock } from './raw-configuration.js';

/** Longer text is more than a key takes: somebody wrote the content of a file in the place of its path. */
const MAX_SHOWN = 200;

/**
 * A wrong value as an error message may show it. A block, a list, and text of several lines or without end are only named:
 * they may hold a password or a private key, and messages end up in logs.
 */
export function shownValue(value: unknown): string {
  if (Array.isArray(value) && value.length > 0) return 'a list';
  if (isBlock(value) && Object.keys(value).length > 0) return 'a block';
  if (typeof value === 'string' && (value.length > MAX_SHOWN || value.includes('\n'))) return 'this text';
  return JSON.stringify(value);
}
