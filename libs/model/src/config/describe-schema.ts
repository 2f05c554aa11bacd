import { z } from 'zod';
import { fieldPath } from '../field-path.js';
import { defaultOf, notesOf, unwrapped } from './schema-key.js';

/** One key of a configuration file, for the documentation. */
export interface ConfigKey {
  /** Path as one writes of it, for example `listen.grpc` or `network.overlays[].name`. */
  readonly path: string;
  /** What a right value is, with its range. */
  readonly type: string;
  /** The default as it would be written in the file; absent if the key has none. */
  readonly default?: string;
  readonly meaning: string;
}

/** Every key below the schema, outer before inner, in the schema's order. */
export function describeSchema(schema: z.core.$ZodType, path = ''): readonly ConfigKey[] {
  const inner = unwrapped(schema);
  const own = ownKey(schema, path);
  if (notesOf(schema)?.isAlias) return own;
  if (inner instanceof z.ZodObject) {
    const keys = Object.entries(inner.shape);
    return [...own, ...keys.flatMap(([name, part]) => describeSchema(part, fieldPath(path, name)))];
  }
  if (inner instanceof z.ZodArray && unwrapped(inner.element) instanceof z.ZodObject) {
    return [...own, ...describeSchema(inner.element, `${path}[]`)];
  }
  return own;
}

function ownKey(schema: z.core.$ZodType, path: string): readonly ConfigKey[] {
  const notes = notesOf(schema);
  if (notes === undefined) return [];
  const standard = notes.default ?? standardText(defaultOf(schema));
  const { type, meaning } = notes;
  return [{ path, type, ...(standard === undefined ? {} : { default: standard }), meaning }];
}

function standardText(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'object') return undefined;
  return String(value);
}
