import { OverlayError } from '@overlay/failure';

/** Most bytes that the keys and values of an allocation's labels may have together. */
export const LABELS_MAX_BYTES = 8192;

/**
 * Checks the size of labels.
 * @throws OverlayError `invalid_argument` with the size and the limit.
 */
export function checkLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  let bytes = 0;
  for (const [key, value] of Object.entries(labels))
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  if (bytes <= LABELS_MAX_BYTES) return labels;
  const message = `the labels have ${bytes} bytes, at most ${LABELS_MAX_BYTES} are kept with an allocation; send fewer`;
  throw new OverlayError('invalid_argument', message);
}

/** True if both have the same keys with the same values, in whatever order. */
export function sameLabels(
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): boolean {
  const entries = Object.entries(a);
  if (entries.length !== Object.keys(b).length) return false;
  return entries.every(([key, value]) => Object.hasOwn(b, key) && b[key] === value);
}
