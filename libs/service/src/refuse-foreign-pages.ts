import { isIP } from 'node:net';
import { OverlayError } from '@overlay/failure';
import type { FastifyRequest } from 'fastify';
import { isReading } from './reading-methods.js';

/**
 * Refuses what a page that an operator's browser shows sends from elsewhere, unless it only reads: browsers name the page's
 * origin (RFC 6454, section 7), other programs none. A page of this server is trusted only under an address or as
 * localhost: any other name may belong to a site that has pointed it here since its page was loaded (DNS rebinding).
 * @throws OverlayError `permission_denied`.
 */
export function refuseForeignPages({ method, headers }: Pick<FastifyRequest, 'method' | 'headers'>): void {
  const { origin, host } = headers;
  if (origin === undefined || isReading(method) || isOwnPage(origin, host)) return;
  const trusted = 'only pages of this server that were loaded by its IP address or as localhost may send it';
  const message = `${method} from a page of ${origin} is refused: ${trusted}; other programs leave the header Origin out`;
  throw new OverlayError('permission_denied', message);
}

function isOwnPage(origin: string, host: string | undefined): boolean {
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  return (
    page.host === host && (page.hostname === 'localhost' || isIP(page.hostname.replace(/^\[|\]$/g, '')) > 0)
  );
}
