import {
  type ApplyHostRequest,
  type ApplyHostResponse,
  DataplaneServiceService,
  type GetStatusResponse,
  type TopologyFrame,
} from '@overlay/contracts';
import { createRpcClient } from '@overlay/rpc';

/** The host's overlay-dataplane. Every failure is an OverlayError. */
export interface DataplaneLink {
  /** The socket, for messages. */
  readonly socket: string;
  applyHost(request: ApplyHostRequest, signal: AbortSignal): Promise<ApplyHostResponse>;
  /** Streams frames until they end, the signal aborts or the daemon goes; then resolves or fails. */
  applyPeers(frames: AsyncIterable<TopologyFrame>, signal: AbortSignal): Promise<void>;
  /** Resolves when nothing of the network is in the kernel; fails with the kernel's words if something stays. */
  removeNetwork(networkId: string, signal: AbortSignal): Promise<void>;
  getStatus(signal: AbortSignal): Promise<GetStatusResponse>;
  /** Repeatable. */
  close(): void;
}

/** Longest waits for answers, in milliseconds. */
export interface DataplaneDeadlines {
  /** Of calls that compare the whole kernel with what it shall be. */
  readonly kernelMs: number;
  /** Of those that the daemon answers from memory. */
  readonly statusMs: number;
}

/** On the largest clusters one comparison takes more than a minute, and others may go before. */
const KERNEL_CALL_MS = 600_000;

/** More than a comparison runs one after the other, each of which may take the configured time. */
const COMMANDS_PER_KERNEL_CALL = 40;

/** The daemon keeps serving beside its commands, but may be busy with what they say. */
const COMMANDS_PER_STATUS = 4;

/**
 * How long to wait for a daemon that is at work. A call that is given up on its way is carried out all the same, and the
 * next one waits behind it: deadlines that are too short would have it compare the kernel again and again, and nobody
 * told. They need not be short, for a daemon that dies ends its calls at once, and one that stands still does within two
 * minutes (gRPC keepalive).
 * @param commandTimeoutMs longest run of one command on the host
 */
export function dataplaneDeadlines(commandTimeoutMs: number): DataplaneDeadlines {
  return {
    kernelMs: Math.max(KERNEL_CALL_MS, COMMANDS_PER_KERNEL_CALL * commandTimeoutMs),
    statusMs: COMMANDS_PER_STATUS * commandTimeoutMs,
  };
}

/** The daemon behind a unix socket. */
export function grpcDataplane(socket: string, deadlines: DataplaneDeadlines): DataplaneLink {
  const { kernelMs, statusMs } = deadlines;
  const client = createRpcClient(DataplaneServiceService, { target: `unix:${socket}` });
  return {
    socket,
    applyHost: (request, signal) => client.applyHost(request, { signal, timeoutMs: kernelMs }),
    async applyPeers(frames, signal) {
      await client.applyPeers(wrapped(frames), { signal });
    },
    async removeNetwork(networkId, signal) {
      await client.removeNetwork({ networkId }, { signal, timeoutMs: kernelMs });
    },
    getStatus: (signal) => client.getStatus({}, { signal, timeoutMs: statusMs }),
    close: () => client.close(),
  };
}

async function* wrapped(frames: AsyncIterable<TopologyFrame>) {
  for await (const frame of frames) yield { frame };
}
