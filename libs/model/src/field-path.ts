/**
 * Path of a field as its author would write it: `fieldPath('network.overlays[1]', 'prefix')` →
 * `network.overlays[1].prefix`.
 */
export function fieldPath(base: string, key: string | number): string {
  if (typeof key === 'number') return `${base}[${key}]`;
  return base === '' ? key : `${base}.${key}`;
}
