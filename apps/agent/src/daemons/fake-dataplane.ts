import {
  type ApplyHostRequest,
  type ApplyHostResponse,
  type GetStatusResponse,
  NetworkStatus,
  type TopologyFrame,
} from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { untilAborted } from '../until-aborted.js';
import type { DataplaneLink } from './dataplane-link.js';

/** An overlay-dataplane in memory, for tests. It may be away, and fails the networks named. */
export class FakeDataplane implements DataplaneLink {
  readonly socket = '/fake/dataplane.sock';
  /** Errors by network name. */
  readonly failing = new Map<string, string>();
  /** Frames of each stream, the current one last. */
  readonly streams: TopologyFrame[][] = [];
  /** Why networks cannot be removed, by network id. */
  readonly staying = new Map<string, string>();
  /** How often it was asked to remove a network. */
  removals = 0;
  /** How often it was asked to make the host as described. */
  descriptions = 0;
  host: ApplyHostRequest | undefined;
  /** If there is any, a description is answered once it is done, unless the caller gives up before. */
  work: Promise<void> | undefined;
  /** The error that every call meets; undefined while the daemon is well. */
  trouble: OverlayError | undefined;

  async applyHost(request: ApplyHostRequest, signal?: AbortSignal): Promise<ApplyHostResponse> {
    this.descriptions += 1;
    if (this.work !== undefined && signal !== undefined)
      await Promise.race([this.work, untilAborted(signal)]);
    if (signal?.aborted) throw new OverlayError('aborted', 'cancelled');
    this.#answer();
    this.host = request;
    return { networks: this.#networks(), written: 0n };
  }

  async applyPeers(frames: AsyncIterable<TopologyFrame>): Promise<void> {
    this.#answer();
    const received: TopologyFrame[] = [];
    this.streams.push(received);
    for await (const frame of frames) {
      this.#answer();
      received.push(frame);
    }
  }

  async removeNetwork(networkId: string): Promise<void> {
    this.#answer();
    this.removals += 1;
    const reason = this.staying.get(networkId);
    if (reason !== undefined) throw new OverlayError('unavailable', reason);
  }

  async getStatus(): Promise<GetStatusResponse> {
    this.#answer();
    return {
      networks: this.#networks(),
      objects: [],
      failures: [],
      peers: 0n,
      appliedRevision: 0n,
      configured: this.host !== undefined,
      warnings: [],
    };
  }

  close(): void {
    this.trouble = new OverlayError('unavailable', 'closed');
  }

  #networks() {
    return (this.host?.assignment?.networks ?? []).map(({ networkId, network }) => {
      const name = network?.name ?? '';
      const error = this.failing.get(name);
      const state =
        error === undefined
          ? { status: NetworkStatus.OK, error: '' }
          : { status: NetworkStatus.FAILED, error };
      return { networkId, network: name, state };
    });
  }

  #answer(): void {
    if (this.trouble !== undefined) throw this.trouble;
  }
}
