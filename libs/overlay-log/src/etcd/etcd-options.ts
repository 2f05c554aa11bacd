import { readFileSync } from 'node:fs';
import { type CallOptions, InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { OverlayError, toOverlayError } from '@overlay/failure';
import { noop } from 'cockatiel';
import type { IOptions } from 'etcd3';
import { EtcdClient } from './etcd-client.js';

/** How to reach the log in an etcd cluster (3.4 or newer). */
export interface EtcdOverlayLogOptions {
  /** URLs of members, at least one: `http://10.0.0.1:2379`; all `https` or all `http`. */
  readonly endpoints: readonly string[];
  /** Every key of the log starts with it; ends with a slash. Nothing else may stand under it. */
  readonly prefix: string;
  /** Paths of PEM files: the authority that members are checked against, and the own certificate with its key. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  /** The etcd user; it needs read and write on the prefix. */
  readonly auth?: { readonly username: string; readonly password: string };
  /** How long leadership outlives a leader that went silent, in whole seconds, 1 or more; 5 if absent. */
  readonly leaseTtlSeconds?: number;
  /** How long one call may take before its outcome counts as unknown; 3,000 if absent. */
  readonly timeoutMs?: number;
  /** Milliseconds since any moment, of a clock that no one can set; the process's monotonic clock if absent. */
  readonly monotonicMs?: () => number;
}

// Members answer keepalive pings that come more often than every 5 s with a disconnection.
const CHANNEL = {
  'grpc.keepalive_time_ms': 6_000,
  'grpc.keepalive_timeout_ms': 2_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.max_receive_message_length': -1,
  // Members are of the cluster: the environment's proxy is for the world outside.
  'grpc.enable_http_proxy': 0,
};

/**
 * One client for each endpoint; none of them has connected yet. Retries are the caller's: the client's own would
 * repeat a transaction that happened, and report the repetition's failure.
 * @throws OverlayError `invalid_argument` naming the endpoint, the prefix or the file that cannot be used.
 */
export function createClients(options: EtcdOverlayLogOptions): readonly EtcdClient[] {
  const { endpoints, tls, auth, timeoutMs = 3_000 } = options;
  if (endpoints.length === 0) {
    throw new OverlayError(
      'invalid_argument',
      'log.etcd.endpoints is empty: name at least one member of etcd',
    );
  }
  if (!options.prefix.endsWith('/')) {
    const message = `log.etcd.prefix: "${options.prefix}" must end with a slash, as in /overlay/`;
    throw new OverlayError('invalid_argument', message);
  }
  const plain = endpoints.find((endpoint) => !endpoint.startsWith('https://'));
  if (tls !== undefined && plain !== undefined) {
    const message = `log.etcd.endpoints: "${plain}" has no TLS, and log.etcd.tls is set; write https:// or drop tls`;
    throw new OverlayError('invalid_argument', message);
  }
  const credentials = tls && {
    rootCertificate: readPem(tls.ca, 'ca'),
    certChain: readPem(tls.cert, 'cert'),
    privateKey: readPem(tls.key, 'key'),
  };
  const shared: Omit<IOptions, 'hosts'> = {
    grpcOptions: CHANNEL,
    faultHandling: { global: noop, host: () => noop },
    defaultCallOptions: ({ isStream, method }): CallOptions => {
      if (!isStream) return { deadline: Date.now() + timeoutMs };
      return method === 'watch' ? { interceptors: [requireLeader] } : {};
    },
    ...(auth === undefined ? {} : { auth }),
    ...(credentials === undefined ? {} : { credentials }),
  };
  try {
    return endpoints.map((endpoint) => new EtcdClient({ ...shared, hosts: endpoint }));
  } catch (cause) {
    const reason = toOverlayError(cause).message;
    throw new OverlayError('invalid_argument', `log.etcd cannot be used: ${reason}`, { cause });
  }
}

/** Makes a member that lost its cluster end a watch, instead of keeping it open and silent. */
const requireLeader: Interceptor = (options, nextCall) =>
  new InterceptingCall(nextCall(options), {
    start(metadata, listener, next) {
      const own = metadata.clone();
      own.set('hasleader', 'true');
      next(own, listener);
    },
  });

function readPem(path: string, part: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const reason = toOverlayError(cause).message;
    throw new OverlayError('invalid_argument', `log.etcd.tls.${part}: ${reason}`, { cause });
  }
}
