import { type FieldViolation, OverlayError } from '@overlay/failure';
import type { z } from 'zod';
import { type ConfigKey, describeSchema } from './describe-schema.js';
import { isBlock, unsetNulls } from './raw-configuration.js';
import { schemaViolations } from './schema-violations.js';
import { shownValue } from './shown-value.js';

/** The configuration of one app: its only source of type, defaults, rules and documentation. */
export interface Configuration<C> {
  /** Name of the process, for example `overlay-master`. */
  readonly app: string;
  /**
   * Reads what a YAML or JSON file holds; nothing (undefined, null, an empty file) means every default.
   * @throws OverlayError `invalid_argument` with a violation for every wrong key at once.
   */
  parse(raw: unknown): C;
  /** The configuration of an app that is given none. */
  defaults(): C;
  /** Every key in the order of the documentation. */
  describe(): readonly ConfigKey[];
  /**
   * Files that what a file holds names and that have to be there when the process starts; as far as it can be read, for
   * other keys may be wrong.
   */
  files(raw: unknown): readonly ConfiguredFile[];
}

/** A file that a key names. */
export interface ConfiguredFile {
  /** For example `tls.ca`. */
  readonly key: string;
  readonly path: string;
}

/** What {@link defineConfiguration} builds a configuration from. */
export interface ConfigurationDefinition<S extends z.ZodObject, C> {
  readonly app: string;
  readonly schema: S;
  /** Rewrites accepted old spellings and fills in defaults that depend on other keys. */
  readonly prepare?: (raw: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
  /** Rules that span several keys. Sees the prepared file even where it breaks the schema. */
  readonly check: (raw: Readonly<Record<string, unknown>>) => readonly FieldViolation[];
  readonly convert: (parsed: z.output<S>) => C;
  /** Keys that, written without a value, would silently mean their defaults: they have to say something. */
  readonly notBare?: readonly string[];
  /** Sees what `check` sees. */
  readonly files?: (raw: Readonly<Record<string, unknown>>) => readonly ConfiguredFile[];
}

/** Builds a {@link Configuration}. */
export function defineConfiguration<S extends z.ZodObject, C>(
  definition: ConfigurationDefinition<S, C>,
): Configuration<C> {
  const { app, schema, check, convert } = definition;
  const subject = `configuration of ${app}`;
  const prepare = (file: Readonly<Record<string, unknown>>) => definition.prepare?.(file) ?? file;
  const parse = (raw: unknown): C => {
    const file = unsetNulls(raw) ?? {};
    if (!isBlock(file)) {
      const description = `${shownValue(file)} is no configuration: write keys with values, in YAML or JSON`;
      throw OverlayError.invalid([{ field: '(file)', description }], subject);
    }
    const bare = bareKeys(raw, definition.notBare ?? []);
    const prepared = prepare(file);
    const result = schema.safeParse(prepared);
    const wrong = result.success ? [] : schemaViolations(schema, result.error.issues, prepared);
    const reported = new Set(wrong.map(({ field }) => field));
    const violations = [...bare, ...wrong, ...check(prepared).filter(({ field }) => !reported.has(field))];
    if (!result.success || violations.length > 0) throw OverlayError.invalid(violations, subject);
    return convert(result.data);
  };
  return {
    app,
    parse,
    defaults: () => parse({}),
    describe: () => describeSchema(schema),
    files(raw) {
      const file = unsetNulls(raw) ?? {};
      return (isBlock(file) ? definition.files?.(prepare(file)) : undefined) ?? [];
    },
  };
}

function bareKeys(raw: unknown, keys: readonly string[]): readonly FieldViolation[] {
  if (!isBlock(raw)) return [];
  const description = 'has no value: write what belongs below it, or remove the line to have the defaults';
  return keys.filter((name) => raw[name] === null).map((field) => ({ field, description }));
}
