import { readFileSync } from 'node:fs';
import { type FieldViolation, OverlayError, toOverlayError } from '@overlay/failure';
import { readConfigFile } from './config-file.js';

/** How a program parses its configuration; `@overlay/model` has one for each program. */
export interface ProcessConfiguration<C> {
  /** Name of the program, for example `overlay-master`. */
  readonly app: string;
  /** @throws OverlayError `invalid_argument` with a violation for every wrong key. */
  parse(raw: unknown): C;
  /** Files that the configuration names and that have to be readable. */
  files(config: C): readonly { readonly key: string; readonly path: string }[];
}

/**
 * Reads a program's configuration; without a file every default holds.
 * @throws OverlayError `invalid_argument` naming the file, or every wrong key, or the key of every file that the
 * configuration names and that cannot be read.
 */
export function readConfiguration<C>(configuration: ProcessConfiguration<C>, file: string | undefined): C {
  const config = configuration.parse(file === undefined ? {} : readConfigFile(file));
  const violations = configuration.files(config).flatMap(({ key, path }): FieldViolation[] => {
    try {
      readFileSync(path);
      return [];
    } catch (thrown) {
      const description = `cannot be read: ${toOverlayError(thrown).message}; name a PEM file that is there`;
      return [{ field: key, description }];
    }
  });
  if (violations.length > 0) throw OverlayError.invalid(violations, `configuration of ${configuration.app}`);
  return config;
}
