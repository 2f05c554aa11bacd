import { readTarget } from '../global-options.js';

/**
 * The gRPC target that an option names; a bare path is a socket too.
 * @throws OverlayError `invalid_argument` naming the option.
 */
export function readSocket(field: string, text: string): string {
  return readTarget(field, text.startsWith('/') ? `unix:${text}` : text);
}
