import { join } from 'node:path';
import { runOrFail } from './command.js';

/** Paths of PEM files: the authority that peers are checked against, and a certificate with its key. */
export interface CertificateFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Certificates of one test authority for servers on 127.0.0.1 and for their clients, valid for a day. */
export interface Certificates {
  readonly server: CertificateFiles;
  readonly client: CertificateFiles;
}

/** Makes an authority and certificates in a folder. */
export async function createCertificates(folder: string): Promise<Certificates> {
  const ca = join(folder, 'ca.pem');
  const caKey = join(folder, 'ca.key');
  await runOrFail([...newCertificate(ca, caKey, 'overlay-test-authority')]);
  const issue = async (name: string): Promise<CertificateFiles> => {
    const cert = join(folder, `${name}.pem`);
    const key = join(folder, `${name}.key`);
    const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost';
    const leaf = ['-CA', ca, '-CAkey', caKey, '-addext', names, '-addext', 'basicConstraints=CA:FALSE'];
    await runOrFail([...newCertificate(cert, key, name), ...leaf]);
    return { ca, cert, key };
  };
  return { server: await issue('server'), client: await issue('client') };
}

function newCertificate(cert: string, key: string, name: string): readonly string[] {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  return [
    'openssl',
    'req',
    '-x509',
    ...curve,
    '-days',
    '1',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    key,
    '-out',
    cert,
  ];
}
