import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import { OverlayError, toOverlayError } from '@overlay/failure';

/** Paths of PEM files: the authority that peers are checked against, and the own certificate with its key. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * Credentials of a server: mutual TLS with files, plaintext without.
 * @throws OverlayError `failed_precondition` naming the key of a file that cannot be read or used.
 */
export function serverCredentials(files: TlsFiles | undefined): ServerCredentials {
  if (files === undefined) return ServerCredentials.createInsecure();
  const { ca, cert, key } = readPems(files);
  return ServerCredentials.createSsl(ca, [{ private_key: key, cert_chain: cert }], true);
}

/**
 * Credentials of a client: mutual TLS with files, plaintext without.
 * @throws OverlayError `failed_precondition` naming the key of a file that cannot be read or used.
 */
export function clientCredentials(files: TlsFiles | undefined): ChannelCredentials {
  if (files === undefined) return ChannelCredentials.createInsecure();
  const { ca, cert, key } = readPems(files);
  return ChannelCredentials.createSsl(ca, key, cert);
}

/** Reads the three files and makes sure that they are certificates and a key that belong together. */
function readPems(files: TlsFiles): { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer } {
  const [ca, cert, key] = [readPem(files, 'ca'), readPem(files, 'cert'), readPem(files, 'key')];
  const check = (name: keyof TlsFiles, rule: string, use: () => unknown) => {
    try {
      use();
    } catch (error) {
      const message = `tls.${name}: ${files[name]} ${rule}: ${toOverlayError(error).message}`;
      throw new OverlayError('failed_precondition', message, { cause: error });
    }
  };
  check('ca', 'is no PEM file of certificates', () => new X509Certificate(ca));
  check('cert', 'is no PEM file of a certificate', () => new X509Certificate(cert));
  check('key', 'is no PEM file of a private key', () => createPrivateKey(key));
  check('key', `does not belong to ${files.cert}`, () => createSecureContext({ ca, cert, key }));
  return { ca, cert, key };
}

function readPem(files: TlsFiles, name: keyof TlsFiles): Buffer {
  try {
    return readFileSync(files[name]);
  } catch (error) {
    const message = `tls.${name}: cannot read ${files[name]}: ${toOverlayError(error).message}`;
    throw new OverlayError('failed_precondition', message, { cause: error });
  }
}
