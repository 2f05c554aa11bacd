import {
  type ApplyHostRequest,
  type ApplyHostResponse,
  type ApplyPeersResponse,
  DataplaneServiceService,
  type GetStatusResponse,
  type PurgeResponse,
  type RemoveNetworkResponse,
  type TopologyFrame,
} from '@overlay/contracts';
import { createRpcClient } from '@overlay/rpc';
import type { Host } from '@overlay/testbed';

/** Plays the agent of a host. */
export class DataplaneDriver {
  readonly #client;

  constructor(host: Host) {
    this.#client = createRpcClient(DataplaneServiceService, {
      target: `unix:${host.paths.dataplaneSocket}`,
      timeoutMs: 20_000,
    });
  }

  applyHost(request: ApplyHostRequest): Promise<ApplyHostResponse> {
    return this.#client.applyHost(request);
  }

  /** A stream that stays open after these frames; the promise settles when the other side ends it. */
  holdPeers(frames: readonly TopologyFrame[], signal: AbortSignal): Promise<ApplyPeersResponse> {
    async function* requests() {
      for (const frame of frames) yield { frame };
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
    return this.#client.applyPeers(requests(), { signal });
  }

  /** A stream that carries the frames as they come, and ends with them. */
  followPeers(frames: AsyncIterable<TopologyFrame>): Promise<ApplyPeersResponse> {
    async function* requests() {
      for await (const frame of frames) yield { frame };
    }
    return this.#client.applyPeers(requests());
  }

  /** One stream that carries the frames and ends. */
  applyPeers(frames: readonly TopologyFrame[]): Promise<ApplyPeersResponse> {
    async function* requests() {
      for (const frame of frames) yield { frame };
    }
    return this.#client.applyPeers(requests());
  }

  status(): Promise<GetStatusResponse> {
    return this.#client.getStatus({});
  }

  purge(verify = false): Promise<PurgeResponse> {
    return this.#client.purge({ verify });
  }

  removeNetwork(networkId: string): Promise<RemoveNetworkResponse> {
    return this.#client.removeNetwork({ networkId });
  }

  close(): void {
    this.#client.close();
  }
}
