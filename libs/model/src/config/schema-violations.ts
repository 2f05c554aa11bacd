import type { FieldViolation } from '@overlay/failure';
import { z } from 'zod';
import { fieldPath } from '../field-path.js';
import { nearestWord } from './nearest-word.js';
import { valueAt } from './raw-configuration.js';
import { notesOf, unwrapped } from './schema-key.js';
import { shownValue } from './shown-value.js';

/** Names as in `a, b and c`. */
const LIST = new Intl.ListFormat('en-GB', { type: 'conjunction' });

/** What breaks the schema, one violation for each wrong key, each with rule and value, unless that is secret. */
export function schemaViolations(
  schema: z.core.$ZodType,
  issues: readonly z.core.$ZodIssue[],
  raw: unknown,
): readonly FieldViolation[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return unknownKeys(schema, issue.path, issue.keys);
    const field = pathText(issue.path);
    if (issue.code === 'custom') return [{ field, description: issue.message }];
    return [{ field, description: wrongValue(valueAt(raw, issue.path), schemaAt(schema, issue.path)) }];
  });
}

function unknownKeys(
  schema: z.core.$ZodType,
  path: readonly PropertyKey[],
  keys: readonly string[],
): readonly FieldViolation[] {
  const block = schemaAt(schema, path);
  const known = block instanceof z.ZodObject ? Object.keys(block.shape) : [];
  return keys.map((name) => {
    const near = nearestWord(name, known);
    const way = near === undefined ? `the keys here are ${known.join(', ')}` : `did you mean ${near}?`;
    return { field: pathText([...path, name]), description: `unknown key "${name}"; ${way}` };
  });
}

function wrongValue(value: unknown, schema: z.core.$ZodType | undefined): string {
  const notes = schema === undefined ? undefined : notesOf(schema);
  const rule = notes?.type ?? typeOf(schema);
  if (value === undefined)
    return `is missing: give ${rule}${notes === undefined ? '' : ` (${notes.meaning})`}`;
  return `${notes?.isSecret === true ? 'this value' : shownValue(value)} is wrong here: give ${rule}`;
}

/** What a value without notes of its own has to be. */
function typeOf(schema: z.core.$ZodType | undefined): string {
  if (schema instanceof z.ZodObject) return `a block with ${LIST.format(Object.keys(schema.shape))}`;
  return schema instanceof z.ZodArray ? 'a list' : 'another type';
}

/** The schema that a value's path leads to, without wrappers but with the notes it carries. */
function schemaAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  let at: z.core.$ZodType | undefined = unwrapped(schema);
  for (const step of path) {
    if (at instanceof z.ZodObject) at = at.shape[String(step)];
    else if (at instanceof z.ZodArray) at = at.element;
    else return at;
    if (at === undefined) return undefined;
    at = unwrapped(at);
  }
  return at;
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.reduce<string>(
    (base, step) => fieldPath(base, typeof step === 'number' ? step : String(step)),
    '',
  );
  return text === '' ? '(file)' : text;
}
