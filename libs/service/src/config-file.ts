import { readFileSync } from 'node:fs';
import { OverlayError, toOverlayError } from '@overlay/failure';
import { parse } from 'yaml';

/**
 * Reads a YAML or JSON file (JSON is YAML). An empty file is an empty configuration.
 * @throws OverlayError `invalid_argument` naming the file if it cannot be read or is not well-formed.
 */
export function readConfigFile(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new OverlayError(
      'invalid_argument',
      `cannot read the configuration ${path}: ${toOverlayError(error).message}`,
      {
        cause: error,
      },
    );
  }
  try {
    return parse(text, { prettyErrors: true, uniqueKeys: true }) ?? {};
  } catch (error) {
    throw new OverlayError('invalid_argument', `${path} is neither YAML nor JSON: ${placeOf(error)}`, {
      cause: error,
    });
  }
}

/** What is wrong and where, without the excerpt that follows it: the line may hold a password. */
function placeOf(error: unknown): string {
  return toOverlayError(error).message.split(':\n', 1).join();
}
