import { type FieldViolation, OverlayError } from '@overlay/failure';
import { formatListenAddress, parseListenAddress } from '@overlay/model';
import type { TlsFiles } from '@overlay/rpc';

/** The options that stand for every command. */
export interface GlobalOptions {
  /** gRPC target of the master. */
  readonly master: string;
  readonly json: boolean;
  /** How long one call may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly tls: TlsFiles | undefined;
  /** Takes remarks for the person at the terminal; without it they go nowhere. */
  readonly warn?: (text: string) => void;
}

/** The options as they were typed. */
export interface TypedOptions {
  readonly master?: string;
  readonly json?: boolean;
  readonly timeout?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** Where a master listens unless configured otherwise. */
export const DEFAULT_MASTER = '127.0.0.1:5060';
/** Seconds that one call may take unless said otherwise. */
export const DEFAULT_TIMEOUT_SECONDS = 10;

const MAX_TIMEOUT_SECONDS = 3_600;
const SECONDS = /^\d{1,4}(?:\.\d{1,3})?$/;

/**
 * Reads the global options. The flag `--master` wins over the environment's `OVERLAY_MASTER`.
 * @throws OverlayError `invalid_argument` that names every wrong option.
 */
export function readGlobalOptions(
  typed: TypedOptions,
  environment: Readonly<Record<string, string | undefined>>,
): GlobalOptions {
  const fromEnvironment = typed.master === undefined && (environment.OVERLAY_MASTER ?? '') !== '';
  const field = fromEnvironment ? 'OVERLAY_MASTER' : '--master';
  return {
    master: readTarget(
      field,
      (fromEnvironment ? environment.OVERLAY_MASTER : typed.master) ?? DEFAULT_MASTER,
    ),
    json: typed.json === true,
    timeoutMs: readTimeoutMs(typed.timeout ?? String(DEFAULT_TIMEOUT_SECONDS)),
    tls: readTls(typed),
  };
}

/**
 * Reads a gRPC target: `host:port`, `[IPv6]:port` or `unix:/path`.
 * @throws OverlayError `invalid_argument` that names the option.
 */
export function readTarget(field: string, text: string): string {
  try {
    const address = parseListenAddress(text);
    if (address.kind === 'unix' || address.port > 0) return formatListenAddress(address);
  } catch {
    // Both ways of being wrong get the one answer below, which speaks of servers and not of listeners.
  }
  const description = `"${text}" is no address: write host:port, [IPv6]:port or unix:/path`;
  throw OverlayError.invalid([{ field, description }]);
}

function readTimeoutMs(text: string): number {
  const seconds = SECONDS.test(text) ? Number(text) : Number.NaN;
  if (seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS) return Math.ceil(seconds * 1_000);
  const description = `"${text}" is no time: write seconds, more than 0 and at most ${MAX_TIMEOUT_SECONDS}, for example 2.5`;
  throw OverlayError.invalid([{ field: '--timeout', description }]);
}

function readTls({ tlsCa, tlsCert, tlsKey }: TypedOptions): TlsFiles | undefined {
  if (tlsCa === undefined && tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCa !== undefined && tlsCert !== undefined && tlsKey !== undefined) {
    return { ca: tlsCa, cert: tlsCert, key: tlsKey };
  }
  const given = { '--tls-ca': tlsCa, '--tls-cert': tlsCert, '--tls-key': tlsKey };
  const violations = Object.entries(given).flatMap(([field, value]): FieldViolation[] =>
    value === undefined
      ? [{ field, description: 'is missing: TLS is mutual and takes all three of ca, cert and key' }]
      : [],
  );
  throw OverlayError.invalid(violations, 'command');
}
