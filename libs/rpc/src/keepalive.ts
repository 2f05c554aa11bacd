import type { ChannelOptions } from '@grpc/grpc-js';

/** A connection without traffic is tried this often. */
const TIME_MS = 10_000;
/** A host or the way to it that is silent for so long is gone. */
const REMOTE_TIMEOUT_MS = 5_000;
/**
 * The kernel ends the connection of a process that dies on the same machine, so silence only means work: a dataplane that
 * compares the entries of 262,143 peers says nothing for ten seconds and more.
 */
const LOCAL_TIMEOUT_MS = 120_000;

/**
 * How a connection is found to be dead that nobody closed.
 * @param isLocal true for a unix socket
 */
export function keepalive(isLocal: boolean): ChannelOptions {
  return {
    'grpc.keepalive_time_ms': TIME_MS,
    'grpc.keepalive_timeout_ms': isLocal ? LOCAL_TIMEOUT_MS : REMOTE_TIMEOUT_MS,
  };
}
