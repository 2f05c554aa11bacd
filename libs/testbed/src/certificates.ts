import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runOrFail } from './command.js';

/** Paths of PEM files: the authority that peers are checked against, and a certificate with its key. */
export interface CertificateFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says beside the name of its holder. */
export interface CertificateContents {
  /** Subject alternative names as openssl spells them. Default: this machine's loopback, for servers. */
  readonly names?: readonly string[];
  /** It was valid for a day of the year 2020 only. Default false: it is valid for a day from now on. */
  readonly expired?: boolean;
}

/** Certificates of one test authority for servers on 127.0.0.1 and for their clients, valid for a day. */
export interface Certificates {
  readonly server: CertificateFiles;
  readonly client: CertificateFiles;
  /** Makes one more, in files of that name. */
  issue(name: string, contents?: CertificateContents): Promise<CertificateFiles>;
}

const LOOPBACK_NAMES = ['IP:127.0.0.1', 'DNS:localhost'];
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Makes an authority and certificates in a folder. */
export async function createCertificates(folder: string): Promise<Certificates> {
  const file = (name: string): string => join(folder, name);
  const ca = file('ca.pem');
  const configuration = file('ca.conf');
  const subject = (name: string): readonly string[] => ['-subj', `/CN=${name}`];
  const authority = [
    'openssl',
    'req',
    '-x509',
    ...NEW_KEY,
    '-days',
    '1',
    ...subject('overlay-test-authority'),
  ];
  await runOrFail([...authority, '-keyout', file('ca.key'), '-out', ca]);
  writeFileSync(file('ca.index'), '');
  writeFileSync(configuration, planAuthority(file));
  const issue = async (name: string, contents: CertificateContents = {}): Promise<CertificateFiles> => {
    const { names = LOOPBACK_NAMES, expired = false } = contents;
    const [cert, key, request] = [file(`${name}.pem`), file(`${name}.key`), file(`${name}.csr`)];
    const extensions = [
      '-addext',
      `subjectAltName=${names.join(',')}`,
      '-addext',
      'basicConstraints=CA:FALSE',
    ];
    await runOrFail([
      'openssl',
      'req',
      ...NEW_KEY,
      ...subject(name),
      ...extensions,
      '-keyout',
      key,
      '-out',
      request,
    ]);
    const days = expired ? ['-startdate', '20200101000000Z', '-enddate', '20200102000000Z'] : ['-days', '1'];
    await runOrFail([
      'openssl',
      'ca',
      '-batch',
      '-notext',
      '-config',
      configuration,
      ...days,
      '-in',
      request,
      '-out',
      cert,
    ]);
    return { ca, cert, key };
  };
  return { server: await issue('server'), client: await issue('client'), issue };
}

/** The configuration of `openssl ca`, which alone can set the dates of a certificate. */
function planAuthority(file: (name: string) => string): string {
  return [
    '[ca]',
    'default_ca = authority',
    '[authority]',
    `database = ${file('ca.index')}`,
    `new_certs_dir = ${file('.')}`,
    `certificate = ${file('ca.pem')}`,
    `private_key = ${file('ca.key')}`,
    'rand_serial = yes',
    'default_md = sha256',
    'policy = any',
    'copy_extensions = copy',
    'unique_subject = no',
    '[any]',
    'commonName = supplied',
    '',
  ].join('\n');
}
