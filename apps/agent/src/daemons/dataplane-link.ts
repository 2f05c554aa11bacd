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

/** The daemon behind a unix socket. */
export function grpcDataplane(socket: string, timeoutMs: number): DataplaneLink {
  const client = createRpcClient(DataplaneServiceService, { target: `unix:${socket}`, timeoutMs });
  return {
    socket,
    applyHost: (request, signal) => client.applyHost(request, { signal, timeoutMs }),
    async applyPeers(frames, signal) {
      await client.applyPeers(wrapped(frames), { signal });
    },
    async removeNetwork(networkId, signal) {
      await client.removeNetwork({ networkId }, { signal, timeoutMs });
    },
    getStatus: (signal) => client.getStatus({}, { signal, timeoutMs }),
    close: () => client.close(),
  };
}

async function* wrapped(frames: AsyncIterable<TopologyFrame>) {
  for await (const frame of frames) yield { frame };
}
