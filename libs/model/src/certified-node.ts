import { isIpAddress, parseIpAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';

/** What the certificate of a node lets its holder say of itself. */
export interface CertifiedNode {
  /** The ids that it may use, as the certificate spells them; usually one. */
  readonly nodeIds: readonly string[];
  /** The underlay addresses that it may use; any if there are none. What is no address is kept, and fits none. */
  readonly ips: readonly string[];
}

/**
 * A SPIFFE ID in any trust domain: which domains count is what the authority decides that signs. Scheme and domain are taken
 * as loosely as URIs are (RFC 3986, section 3): who misspells a domain must not make an operator of a node.
 */
const NODE_URI = /^spiffe:\/\/[^/]*\/overlay\/node\/(.*)$/is;

/** One name: its kind, and its value either bare or, where it could be mistaken, as a JSON string. */
const NAME = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?=, |$)/g;

/**
 * Reads what a certificate says of a node: each `spiffe://DOMAIN/overlay/node/NODE-ID` among its URIs is an id, and
 * each IP address a place (SPIFFE X.509-SVID, section 2; RFC 5280, section 4.2.1.6).
 *
 * @param subjectAltNames as Node.js writes them: `URI:spiffe://example.org/overlay/node/n1, IP Address:10.0.0.7`.
 * @returns undefined for the certificate of anybody else: an operator, a framework, a master.
 */
export function certifiedNodeOf(subjectAltNames: string): CertifiedNode | undefined {
  const names = [...subjectAltNames.matchAll(NAME)].map(([, kind = '', text = '']) => ({
    kind,
    value: text.startsWith('"') ? String(JSON.parse(text)) : text,
  }));
  const valuesOf = (wanted: string) => names.filter(({ kind }) => kind === wanted).map(({ value }) => value);
  const nodeIds = valuesOf('URI').flatMap((uri) => NODE_URI.exec(uri)?.[1] ?? []);
  if (nodeIds.length === 0) return undefined;
  return { nodeIds, ips: valuesOf('IP Address').map(canonicalIp) };
}

/** The failure of a node that asks for what only operators and frameworks may. @param what `DeleteAgents`, `POST`. */
export function notForNodes({ nodeIds }: CertifiedNode, what: string): OverlayError {
  const message = `${what} is not for nodes, and the certificate is of node ${nodeIds.join(', ')}`;
  return new OverlayError('permission_denied', message);
}

function canonicalIp(text: string): string {
  return isIpAddress(text) ? parseIpAddress(text) : text;
}
