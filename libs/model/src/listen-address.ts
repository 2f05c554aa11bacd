import { isIpAddress, parseIpAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';

/** Where a server listens: a TCP address (port 0 means any free port) or a unix socket. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

const HOST_AND_PORT = /^(?:\[(?<v6>[^\]]+)\]|(?<host>[A-Za-z0-9.-]+)):(?<port>\d{1,5})$/;

/** Longest path that fits the kernel's sockaddr_un with its terminating zero. */
const MAX_SOCKET_PATH = 107;

/**
 * Parses `host:port`, `[v6]:port` or `unix:/absolute/path`.
 * @throws OverlayError `invalid_argument` that quotes the text and says the form.
 */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (!path.startsWith('/') || path.length > MAX_SOCKET_PATH || path.includes('\0')) {
      const rule = `a unix socket is written unix:/absolute/path, at most ${MAX_SOCKET_PATH} characters`;
      throw new OverlayError('invalid_argument', `"${text}": ${rule}`);
    }
    return { kind: 'unix', path };
  }
  const groups = HOST_AND_PORT.exec(text)?.groups;
  const host = groups?.v6 ?? groups?.host;
  const port = Number(groups?.port);
  const wellFormed = host !== undefined && port <= 65_535 && isHost(host, groups?.v6 !== undefined);
  if (!wellFormed) {
    const rule = 'a listener is written host:port, [IPv6]:port or unix:/path, with a port from 0 to 65535';
    throw new OverlayError('invalid_argument', `"${text}": ${rule}`);
  }
  return { kind: 'tcp', host: isIpAddress(host) ? parseIpAddress(host) : host, port };
}

/** Brackets are for IPv6; a name that consists of numbers is an IPv4 address or none (RFC 3696 section 2). */
function isHost(text: string, bracketed: boolean): boolean {
  if (bracketed) return text.includes(':') && isIpAddress(text);
  return isIpAddress(text) || !/^[\d.]+$/.test(text);
}

/** The address as {@link parseListenAddress} reads it and as gRPC spells a target. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** True if only programs of the same host can reach the listener: loopback or a unix socket. */
export function isLocalListener(address: ListenAddress): boolean {
  if (address.kind === 'unix') return true;
  return address.host === 'localhost' || address.host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address.host);
}
