import { OverlayError } from '@overlay/failure';
import { formatListenAddress, parseListenAddress } from './listen-address.js';

/**
 * Reads where a server is: `host:port`, `[IPv6]:port`, `unix:/path`, or the bare path of a unix socket.
 * @returns the address as gRPC spells a target.
 * @throws OverlayError `invalid_argument` that quotes the text and says the form.
 */
export function parseServerAddress(text: string): string {
  try {
    const address = parseListenAddress(text.startsWith('/') ? `unix:${text}` : text);
    if (address.kind === 'unix' || address.port > 0) return formatListenAddress(address);
  } catch {
    // Both ways of being wrong get the one answer below, which speaks of servers and not of listeners.
  }
  const message = `"${text}" is no address: write host:port, [IPv6]:port or unix:/path`;
  throw new OverlayError('invalid_argument', message);
}
