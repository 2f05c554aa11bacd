import type { FieldViolation } from '@overlay/failure';
import { z } from 'zod';
import { fieldPath } from '../field-path.js';
import type { ConfiguredFile } from './configuration.js';
import { pathKey } from './key-types.js';
import { isBlock } from './raw-configuration.js';
import { key } from './schema-key.js';

/** Paths of PEM files: the authority that peers are checked against, and the own certificate with its key. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const PARTS = ['ca', 'cert', 'key'] as const;

const SHAPE = {
  ca: pathKey('PEM file of the authority that peers are checked against.').optional(),
  cert: pathKey('PEM file of the own certificate.').optional(),
  key: pathKey('PEM file of the own private key.').optional(),
};

/** The keys `ca`, `cert` and `key`: all set, or none. */
export function tlsBlock(meaning: string) {
  return key('a block with ca, cert and key', meaning, z.strictObject(SHAPE)).optional();
}

/** The files; undefined if TLS is off. Expects a block that {@link checkTls} found right. */
export function tlsFilesOf(
  block: { readonly [part in keyof TlsFiles]?: string | undefined } | undefined,
): TlsFiles | undefined {
  const { ca, cert, key: privateKey } = block ?? {};
  if (ca === undefined || cert === undefined || privateKey === undefined) return undefined;
  return { ca, cert, key: privateKey };
}

/** The files of a raw block with the keys that name them, as far as they can be read. */
export function configuredTls(raw: unknown, path: string): readonly ConfiguredFile[] {
  if (!isBlock(raw)) return [];
  return PARTS.flatMap((part) => {
    const file = SHAPE[part].safeParse(raw[part]).data;
    return file === undefined ? [] : [{ key: fieldPath(path, part), path: file }];
  });
}

/** A violation for each part that is missing while others are there. */
export function checkTls(raw: unknown, path = 'tls'): readonly FieldViolation[] {
  const missing = isBlock(raw) ? PARTS.filter((part) => raw[part] === undefined) : [];
  if (missing.length === PARTS.length) return [];
  return missing.map((part) => ({
    field: fieldPath(path, part),
    description: 'is missing: TLS needs ca, cert and key; give all three or none',
  }));
}

/** True if the raw block switches TLS on. */
export function isTlsSet(raw: unknown): boolean {
  return isBlock(raw) && PARTS.some((part) => raw[part] !== undefined);
}
