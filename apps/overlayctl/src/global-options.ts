import { type FieldViolation, OverlayError, toOverlayError } from '@overlay/failure';
import { MAX_CALL_SECONDS, type OverlayctlConfig, parseServerAddress } from '@overlay/model';
import type { TlsFiles } from '@overlay/rpc';

/** The options that stand for every command. */
export interface GlobalOptions {
  /** gRPC target of the master. */
  readonly master: string;
  readonly json: boolean;
  /** How long one call may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly tls: TlsFiles | undefined;
  /** gRPC targets of this host's processes. */
  readonly sockets: OverlayctlConfig['sockets'];
  /** Takes remarks for the person at the terminal; without it they go nowhere. */
  readonly warn?: (text: string) => void;
}

/** The options as they were typed. */
export interface TypedOptions {
  readonly config?: string;
  readonly master?: string;
  readonly json?: boolean;
  readonly timeout?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

const SECONDS = /^\d{1,4}(?:\.\d{1,3})?$/;

/**
 * Reads the global options: flags win over the environment (`OVERLAY_MASTER`), the environment over the
 * configuration, and the configuration holds every default.
 * @throws OverlayError `invalid_argument` that names every wrong option.
 */
export function readGlobalOptions(
  typed: TypedOptions,
  environment: Readonly<Record<string, string | undefined>>,
  config: OverlayctlConfig,
): GlobalOptions {
  return {
    master: readMaster(typed, environment) ?? config.master,
    json: typed.json ?? config.json,
    timeoutMs:
      typed.timeout === undefined ? Math.ceil(config.timeoutSeconds * 1_000) : readTimeoutMs(typed.timeout),
    tls: readTls(typed, config.tls),
    sockets: config.sockets,
  };
}

/**
 * Reads a gRPC target: `host:port`, `[IPv6]:port`, `unix:/path` or the bare path of a unix socket.
 * @throws OverlayError `invalid_argument` that names the option.
 */
export function readTarget(field: string, text: string): string {
  try {
    return parseServerAddress(text);
  } catch (thrown) {
    throw OverlayError.invalid([{ field, description: toOverlayError(thrown).message }]);
  }
}

function readMaster(
  { master }: TypedOptions,
  { OVERLAY_MASTER: fromEnvironment = '' }: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (master !== undefined) return readTarget('--master', master);
  return fromEnvironment === '' ? undefined : readTarget('OVERLAY_MASTER', fromEnvironment);
}

function readTimeoutMs(text: string): number {
  const seconds = SECONDS.test(text) ? Number(text) : Number.NaN;
  if (seconds > 0 && seconds <= MAX_CALL_SECONDS) return Math.ceil(seconds * 1_000);
  const description = `"${text}" is no time: write seconds, more than 0 and at most ${MAX_CALL_SECONDS}, for example 2.5`;
  throw OverlayError.invalid([{ field: '--timeout', description }]);
}

/** Each file that is typed stands in for the configured one. */
function readTls(typed: TypedOptions, configured: TlsFiles | undefined): TlsFiles | undefined {
  const { ca, cert, key } = configured ?? {};
  const files = {
    '--tls-ca': typed.tlsCa ?? ca,
    '--tls-cert': typed.tlsCert ?? cert,
    '--tls-key': typed.tlsKey ?? key,
  };
  const { '--tls-ca': tlsCa, '--tls-cert': tlsCert, '--tls-key': tlsKey } = files;
  if (tlsCa === undefined && tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCa !== undefined && tlsCert !== undefined && tlsKey !== undefined) {
    return { ca: tlsCa, cert: tlsCert, key: tlsKey };
  }
  const violations = Object.entries(files).flatMap(([field, value]): FieldViolation[] =>
    value === undefined
      ? [{ field, description: 'is missing: TLS is mutual and takes all three of ca, cert and key' }]
      : [],
  );
  throw OverlayError.invalid(violations, 'command');
}
