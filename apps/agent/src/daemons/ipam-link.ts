import { type Allocation, type Capacity, IpamServiceService, type Pool } from '@overlay/contracts';
import { createRpcClient } from '@overlay/rpc';

/** The host's overlay-ipam. Every failure is an OverlayError. */
export interface IpamLink {
  /** The socket, for messages. */
  readonly socket: string;
  /** Replaces the set of pools. Repeatable. */
  configurePools(pools: readonly Pool[], signal: AbortSignal): Promise<void>;
  /** Every allocation of the host. */
  listAllocations(signal: AbortSignal): Promise<readonly Allocation[]>;
  getCapacity(signal: AbortSignal): Promise<readonly Capacity[]>;
  /** Yields when usage may have changed, until the signal aborts; fails when the daemon goes. */
  watchUsage(signal: AbortSignal): AsyncIterable<void>;
  /** Repeatable. */
  close(): void;
}

const PAGE_SIZE = 1000;

/** The daemon behind a unix socket. */
export function grpcIpam(socket: string, timeoutMs: number): IpamLink {
  const client = createRpcClient(IpamServiceService, { target: `unix:${socket}`, timeoutMs });
  return {
    socket,
    async configurePools(pools, signal) {
      await client.configurePools({ pools: [...pools] }, { signal, timeoutMs });
    },
    async listAllocations(signal) {
      const allocations: Allocation[] = [];
      let pageToken = '';
      do {
        const request = { network: '', pageSize: PAGE_SIZE, pageToken };
        const page = await client.listAllocations(request, { signal, timeoutMs });
        allocations.push(...page.allocations);
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      return allocations;
    },
    async getCapacity(signal) {
      return (await client.getCapacity({ network: '' }, { signal, timeoutMs })).capacities;
    },
    async *watchUsage(signal) {
      for await (const _changed of client.watchCapacity({ network: '' }, { signal })) yield;
    },
    close: () => client.close(),
  };
}
