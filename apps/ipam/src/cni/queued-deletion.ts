import { OverlayError } from '@overlay/failure';
import type { CniEnvironment } from './cni-call.js';

/** A DEL that the plugin wrote down while the daemon was away. */
export interface QueuedDeletion {
  readonly environment: CniEnvironment;
  readonly stdin: string;
}

const HEADER_LINE = /^(CNI_[A-Z]+)=(.*)$/;

/**
 * Parses a queue file: the variables, one `NAME=value` a line, an empty line, and the plugin's standard input
 * to the end of the file.
 * @throws OverlayError `invalid_argument` if it has another form.
 */
export function parseQueuedDeletion(text: string): QueuedDeletion {
  const end = text.indexOf('\n\n');
  if (end < 0) throw new OverlayError('invalid_argument', 'the empty line behind the variables is missing');
  const pairs = text
    .slice(0, end)
    .split('\n')
    .map((line) => {
      const match = HEADER_LINE.exec(line);
      if (match === null) throw new OverlayError('invalid_argument', 'a line is no CNI variable');
      return [match[1] ?? '', match[2] ?? ''] as const;
    });
  const environment = Object.fromEntries(pairs);
  if (environment.CNI_COMMAND !== 'DEL') throw new OverlayError('invalid_argument', 'it is no DEL');
  return { environment, stdin: text.slice(end + 2) };
}
