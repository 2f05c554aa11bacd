import { z } from 'zod';
import { parseServerAddress } from '../server-address.js';
import { type Configuration, defineConfiguration } from './configuration.js';
import { booleanKey } from './key-types.js';
import { key, parsedText } from './schema-key.js';
import { checkTls, configuredTls, type TlsFiles, tlsBlock, tlsFilesOf } from './tls-files.js';

/** Longest time that one call may be given, in seconds. */
export const MAX_CALL_SECONDS = 3_600;

/** Configuration of overlayctl. Every address is spelt as a gRPC target. */
export interface OverlayctlConfig {
  readonly master: string;
  /** How long one call may take, in seconds. */
  readonly timeoutSeconds: number;
  /** Whether answers are JSON. */
  readonly json: boolean;
  /** Mutual TLS towards the master; absent for plaintext. */
  readonly tls?: TlsFiles;
  /** The processes of this host. */
  readonly sockets: { readonly agent: string; readonly dataplane: string; readonly ipam: string };
}

const schema = z.strictObject({
  master: serverKey("The master's gRPC address.").prefault('127.0.0.1:5060'),
  timeout: key(
    `a number above 0, at most ${MAX_CALL_SECONDS} (s)`,
    'How long one call may take.',
    z.number().gt(0).max(MAX_CALL_SECONDS),
  ).prefault(10),
  json: booleanKey('Whether answers are JSON, for programs.').prefault(false),
  tls: tlsBlock('Mutual TLS towards the master.'),
  sockets: z
    .strictObject({
      agent: serverKey('gRPC address of overlay-agent on this host.').prefault(
        'unix:/run/overlay/agent.sock',
      ),
      dataplane: serverKey('gRPC address of overlay-dataplane on this host.').prefault(
        'unix:/run/overlay/dataplane.sock',
      ),
      ipam: serverKey('gRPC address of overlay-ipam on this host.').prefault('unix:/run/overlay/ipam.sock'),
    })
    .prefault({}),
});

/** Configuration of overlayctl: schema, defaults and documentation. */
export const overlayctlConfiguration: Configuration<OverlayctlConfig> = defineConfiguration({
  app: 'overlayctl',
  schema,
  check: (raw) => checkTls(raw.tls),
  convert(parsed): OverlayctlConfig {
    const tls = tlsFilesOf(parsed.tls);
    return {
      master: parsed.master,
      timeoutSeconds: parsed.timeout,
      json: parsed.json,
      ...(tls === undefined ? {} : { tls }),
      sockets: parsed.sockets,
    };
  },
  files: ({ tls }) => configuredTls(tls, 'tls'),
});

function serverKey(meaning: string) {
  return key('host:port, [IPv6]:port or unix:/path', meaning, parsedText(parseServerAddress));
}
