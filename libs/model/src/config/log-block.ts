import { type FieldViolation, OverlayError } from '@overlay/failure';
import { z } from 'zod';
import { pathKey } from './key-types.js';
import { isBlock } from './raw-configuration.js';
import { key, parsedText } from './schema-key.js';
import { shownValue } from './shown-value.js';
import { checkTls, type TlsFiles, tlsBlock, tlsFilesOf } from './tls-files.js';

/** Where the overlay log is kept. */
export type LogConfig =
  /** Inside the only master, in this folder. */
  | { readonly kind: 'embedded'; readonly dir: string }
  /** In an etcd cluster that several masters share. */
  | {
      readonly kind: 'etcd';
      /** URLs, at least one. */
      readonly endpoints: readonly string[];
      /** Every key of the log starts with it; ends with a slash. */
      readonly prefix: string;
      readonly tls?: TlsFiles;
      /** The user of etcd that the master is. */
      readonly auth?: { readonly username: string; readonly password: string };
    };

/** Folder of the embedded log of a master that is told none. */
export const DEFAULT_LOG_DIR = '/var/lib/overlay/master/overlay_replicated_log';

/** Name of the log's folder inside DC/OS's `replicated_log_dir`. */
const DCOS_LOG_FOLDER = 'overlay_replicated_log';

const ENDPOINT = /^https?:\/\/[^\s/?#@]+\/?$/;
const PREFIX = /^\/(?:[A-Za-z0-9_.-]+\/)+$/;

const etcdSchema = z.strictObject({
  endpoints: key(
    'a list of one or more URLs like http://10.0.0.1:2379',
    'The members of the etcd cluster.',
    z.array(key('a URL like http://10.0.0.1:2379', 'A member.', parsedText(parseEndpoint))).min(1),
  ),
  prefix: key(
    'a path like /overlay/ that starts and ends with a slash',
    'Every key in etcd starts with it.',
    parsedText(parsePrefix),
  ).prefault('/overlay/'),
  tls: tlsBlock('TLS towards etcd.'),
  username: key('text', 'The user of etcd that the master is.', z.string().min(1)).optional(),
  password: key('text', 'The password of that user.', z.string().min(1), { isSecret: true }).optional(),
});

const logSchema = z.strictObject({
  dir: key(
    'an absolute path',
    'Folder of the embedded log, for one master.',
    pathKey('Folder of the embedded log.'),
    { default: DEFAULT_LOG_DIR },
  ).optional(),
  etcd: key('a block with endpoints', 'The log in etcd, for several masters.', etcdSchema).optional(),
});

/** The keys of the block `log`: one of `dir` and `etcd`. */
export function logBlock() {
  return logSchema.optional();
}

/** The block as a value. Expects one that {@link checkLog} found right. */
export function logConfigOf(
  block: z.output<typeof logSchema> | undefined,
  replicatedLogDir: string | undefined,
): LogConfig {
  if (block?.etcd !== undefined) {
    const { endpoints, prefix, username, password } = block.etcd;
    const tls = tlsFilesOf(block.etcd.tls);
    const auth = username === undefined || password === undefined ? undefined : { username, password };
    return {
      kind: 'etcd',
      endpoints,
      prefix,
      ...(tls === undefined ? {} : { tls }),
      ...(auth === undefined ? {} : { auth }),
    };
  }
  const parent = replicatedLogDir?.replace(/\/+$/, '');
  const fallback = parent === undefined ? DEFAULT_LOG_DIR : `${parent}/${DCOS_LOG_FOLDER}`;
  return { kind: 'embedded', dir: block?.dir ?? fallback };
}

/** The rule that the log stands in exactly one place. */
export function checkLog(log: unknown, replicatedLogDir: unknown): readonly FieldViolation[] {
  if (!isBlock(log)) return [];
  const violations: FieldViolation[] = [];
  const { dir, etcd } = log;
  if (replicatedLogDir !== undefined && (dir !== undefined || etcd !== undefined)) {
    const description = 'says where the log is, and so does log; write one of the two';
    violations.push({
      field: 'replicated_log_dir',
      description: `${shownValue(replicatedLogDir)} ${description}`,
    });
  }
  if (dir !== undefined && etcd !== undefined) {
    const description = `log.dir (${shownValue(dir)}) and log.etcd exclude each other; write one of the two`;
    violations.push({ field: 'log', description });
  }
  if (dir === undefined && etcd === undefined && replicatedLogDir === undefined) {
    violations.push({
      field: 'log',
      description: 'says nothing: write log.dir (one master) or log.etcd (several)',
    });
  }
  if (isBlock(etcd)) violations.push(...checkTls(etcd.tls, 'log.etcd.tls'), ...checkUser(etcd));
  return violations;
}

function checkUser({ username, password }: Readonly<Record<string, unknown>>): readonly FieldViolation[] {
  if ((username === undefined) === (password === undefined)) return [];
  const missing = username === undefined ? 'username' : 'password';
  const description = 'is missing: a user of etcd has a username and a password; give both or none';
  return [{ field: `log.etcd.${missing}`, description }];
}

function parseEndpoint(text: string): string {
  if (ENDPOINT.test(text) && URL.canParse(text)) return text.replace(/\/$/, '');
  const rule =
    'an etcd endpoint is written http://host:port or https://host:port; a user stands in log.etcd.username';
  const withoutUser = text.replace(/\/\/[^/]*@/, '//…@');
  throw new OverlayError('invalid_argument', `${shownValue(withoutUser)}: ${rule}`);
}

function parsePrefix(text: string): string {
  if (PREFIX.test(text)) return text;
  const rule =
    'the prefix starts and ends with a slash and has letters, digits, _ . - between, as in /overlay/';
  throw new OverlayError('invalid_argument', `"${text}": ${rule}`);
}
