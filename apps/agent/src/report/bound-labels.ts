/** Most bytes that the keys and values of a container's labels may have together; overlay-ipam takes no more either. */
export const LABELS_MAX_BYTES = 8192;

/** The label that tells how many labels of a container were left out for their size. */
export const LEFT_OUT_LABEL = 'overlay.labels-left-out';

/** Room for the marker: its key and a count. */
const MARKER_BYTES = Buffer.byteLength(LEFT_OUT_LABEL) + 10;

/**
 * The labels that fit, in the order of their keys, each of them whole, with {@link LEFT_OUT_LABEL} where some do not:
 * the first one that does not fit and all after it are left out, so that the same labels always give the same answer.
 * Repeatable: labels left out before are counted again.
 * @param maxBytes of keys and values together; less than the marker needs leaves the marker alone
 */
export function boundLabels(
  labels: Readonly<Record<string, string>>,
  maxBytes: number,
): Readonly<Record<string, string>> {
  if (labelBytes(labels) <= maxBytes) return labels;
  const before = leftOutCount(labels);
  const entries = Object.entries(labels)
    .filter(([key]) => key !== LEFT_OUT_LABEL)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  let bytes = MARKER_BYTES;
  let kept = 0;
  for (const entry of entries) {
    bytes += entryBytes(entry);
    if (bytes > maxBytes) break;
    kept += 1;
  }
  const leftOut = before + entries.length - kept;
  return Object.fromEntries([...entries.slice(0, kept), [LEFT_OUT_LABEL, String(leftOut)]]);
}

/** How many labels of a container were left out. */
export function leftOutCount(labels: Readonly<Record<string, string>>): number {
  const told = labels[LEFT_OUT_LABEL] ?? '';
  return /^[0-9]{1,9}$/.test(told) ? Number(told) : 0;
}

function labelBytes(labels: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const entry of Object.entries(labels)) bytes += entryBytes(entry);
  return bytes;
}

function entryBytes([key, value]: readonly [string, string]): number {
  return Buffer.byteLength(key) + Buffer.byteLength(value);
}
