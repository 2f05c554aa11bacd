/** True for a block of keys, as opposed to a list or a single value. */
export function isBlock(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value with every null as undefined: `key:` without a value leaves the key unset in YAML. */
export function unsetNulls(value: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map(unsetNulls);
  if (!isBlock(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unsetNulls(inner)]));
}

/** The value that the path leads to; undefined if it leads nowhere. */
export function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = raw;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}
