import { readFileSync } from 'node:fs';
import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import { OverlayError } from '@overlay/failure';

/** Paths of PEM files: the authority that peers are checked against, and the own certificate with its key. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * Credentials of a server: mutual TLS with files, plaintext without.
 * @throws OverlayError `failed_precondition` naming the key of a file that cannot be read.
 */
export function serverCredentials(files: TlsFiles | undefined): ServerCredentials {
  if (files === undefined) return ServerCredentials.createInsecure();
  const pair = { private_key: readPem(files, 'key'), cert_chain: readPem(files, 'cert') };
  return ServerCredentials.createSsl(readPem(files, 'ca'), [pair], true);
}

/**
 * Credentials of a client: mutual TLS with files, plaintext without.
 * @throws OverlayError `failed_precondition` naming the key of a file that cannot be read.
 */
export function clientCredentials(files: TlsFiles | undefined): ChannelCredentials {
  if (files === undefined) return ChannelCredentials.createInsecure();
  return ChannelCredentials.createSsl(readPem(files, 'ca'), readPem(files, 'key'), readPem(files, 'cert'));
}

function readPem(files: TlsFiles, name: keyof TlsFiles): Buffer {
  try {
    return readFileSync(files[name]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OverlayError('failed_precondition', `tls.${name}: cannot read ${files[name]}: ${reason}`);
  }
}
