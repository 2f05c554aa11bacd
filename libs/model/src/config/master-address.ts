import { isIpAddress, parseIpAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';

/** Where a master's gRPC service is. */
export interface MasterAddress {
  /** A host name, or an address without brackets. */
  readonly host: string;
  /** TCP port, 1 to 65535. */
  readonly port: number;
}

const ADDRESS =
  /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)):(?<port>\d{1,5})$/;

/**
 * Parses masters written `host:port` or `[v6]:port`. Repeated ones count once.
 * @throws OverlayError `invalid_argument` that quotes the wrong one, or says that there is none.
 */
export function parseMasterAddresses(texts: readonly string[]): readonly MasterAddress[] {
  const byText = new Map<string, MasterAddress>();
  for (const text of texts.map((part) => part.trim())) {
    const address = parseOne(text);
    byText.set(`${address.host} ${address.port}`, address);
  }
  if (byText.size === 0) {
    throw new OverlayError(
      'invalid_argument',
      'the list of masters is empty; name one at least, as host:port',
    );
  }
  return [...byText.values()];
}

function parseOne(text: string): MasterAddress {
  const groups = ADDRESS.exec(text)?.groups;
  const v6 = groups?.v6;
  const host = v6 ?? groups?.host;
  const port = Number(groups?.port);
  const isNumbers = host !== undefined && /^[\d.]+$/.test(host) && !isIpAddress(host);
  if (host === undefined || isNumbers || port < 1 || port > 65_535 || (v6 !== undefined && !isIpv6(v6))) {
    const rule = 'a master is written host:port or [IPv6]:port, with a port from 1 to 65535';
    throw new OverlayError('invalid_argument', `"${text}": ${rule}`);
  }
  return { host: isIpAddress(host) ? parseIpAddress(host) : host, port };
}

function isIpv6(text: string): boolean {
  return text.includes(':') && isIpAddress(text);
}
