import type { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { OverlayError } from '@overlay/failure';
import { certifiedNodeOf, notForNodes } from '@overlay/model';
import type { FastifyRequest } from 'fastify';
import { isReading } from './reading-methods.js';

/**
 * Lets everybody read, and only callers with a certificate of the authority in `tls.ca` that is no node's do anything
 * else.
 * @throws OverlayError `unauthenticated`, or `permission_denied` for a node.
 */
export function requireCertificate({ method, raw }: Pick<FastifyRequest, 'method' | 'raw'>): void {
  if (isReading(method)) return;
  const certificate = trustedCertificate(raw.socket);
  if (certificate === undefined) {
    const message = `${method} is taken only from callers with a certificate: come with one that the authority in tls.ca signed`;
    throw new OverlayError('unauthenticated', message);
  }
  const node = certifiedNodeOf(certificate.subjectAltName ?? '');
  if (node !== undefined) throw notForNodes(node, method);
}

function trustedCertificate(socket: unknown): X509Certificate | undefined {
  // Of a resumed TLS 1.3 session Node says `authorized` also where no certificate was ever shown.
  return socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate() : undefined;
}
