import { readFileSync } from 'node:fs';
import { type FieldViolation, isFailure, OverlayError, toOverlayError } from '@overlay/failure';
import { readConfigFile } from './config-file.js';

/** How a program parses its configuration; `@overlay/model` has one for each program. */
export interface ProcessConfiguration<C> {
  /** Name of the program, for example `overlay-master`. */
  readonly app: string;
  /** @throws OverlayError `invalid_argument` with a violation for every wrong key. */
  parse(raw: unknown): C;
  /** Files that the configuration names and that have to be readable, also where it is wrong elsewhere. */
  files(raw: unknown): readonly { readonly key: string; readonly path: string }[];
}

/**
 * Reads a program's configuration; without a file every default holds.
 * @throws OverlayError `invalid_argument` naming the file, or every wrong key and the key of every file that the
 * configuration names and that cannot be read.
 */
export function readConfiguration<C>(configuration: ProcessConfiguration<C>, file: string | undefined): C {
  const raw = file === undefined ? {} : readConfigFile(file);
  const unreadable = configuration.files(raw).flatMap(unreadableFile);
  const subject = `configuration of ${configuration.app}`;
  let config: C;
  try {
    config = configuration.parse(raw);
  } catch (thrown) {
    if (!isFailure(thrown, 'invalid_argument') || unreadable.length === 0) throw thrown;
    throw OverlayError.invalid([...thrown.violations, ...unreadable], subject);
  }
  if (unreadable.length > 0) throw OverlayError.invalid(unreadable, subject);
  return config;
}

function unreadableFile({ key, path }: { readonly key: string; readonly path: string }): FieldViolation[] {
  try {
    readFileSync(path);
    return [];
  } catch (thrown) {
    const description = `cannot be read: ${toOverlayError(thrown).message}; name a PEM file that is there`;
    return [{ field: key, description }];
  }
}
