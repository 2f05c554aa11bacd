import { type OverlayError, toOverlayError } from '@overlay/failure';
import { z } from 'zod';

/** What the documentation and the error messages say of a key. */
export interface KeyNotes {
  /** What a right value is, with its range, for example `an integer from 0 to 10`. */
  readonly type: string;
  readonly meaning: string;
  /** The default, where the schema cannot tell it. */
  readonly default?: string;
  /** True for another spelling of a block that is described elsewhere: its keys are not described again. */
  readonly isAlias?: boolean;
  /** True for a password: no message shows its value. */
  readonly isSecret?: boolean;
}

const NOTES = z.registry<KeyNotes>();

/** The schema with notes. Wrappers (default, optional) go around it and keep them. */
export function key<S extends z.ZodType>(
  type: string,
  meaning: string,
  schema: S,
  more: Pick<KeyNotes, 'default' | 'isAlias' | 'isSecret'> = {},
): S {
  NOTES.add(schema, { type, meaning, ...more });
  return schema;
}

/** A string that `parse` turns into a value; an error that it throws becomes the key's violation. */
export function parsedText<T>(parse: (text: string) => T) {
  return z.string().transform((text, context): T => {
    try {
      return parse(text);
    } catch (thrown) {
      const failure: OverlayError = toOverlayError(thrown);
      context.addIssue({ code: 'custom', message: failure.message, input: text });
      return z.NEVER;
    }
  });
}

/** The notes of a schema or of the schema that it wraps. */
export function notesOf(schema: z.core.$ZodType): KeyNotes | undefined {
  const inner = wrapped(schema);
  return NOTES.get(schema) ?? (inner === undefined ? undefined : notesOf(inner));
}

/** The schema without default and optional around it. */
export function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  const inner = wrapped(schema);
  return inner === undefined ? schema : unwrapped(inner);
}

/** The default as it would be written in the file; undefined if there is none. */
export function defaultOf(schema: z.core.$ZodType): unknown {
  if (schema instanceof z.ZodPrefault) return schema.def.defaultValue;
  const inner = wrapped(schema);
  return inner === undefined ? undefined : defaultOf(inner);
}

function wrapped(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault
    ? schema.def.innerType
    : undefined;
}
