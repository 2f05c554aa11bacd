import { type ApplyPeersRequest, type ApplyPeersResponse, DataplaneServiceService } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { parseNetworkId } from '@overlay/model';
import { type InternalErrorListener, implementService, type RpcService, until } from '@overlay/rpc';
import type { ApplyLoop } from '../reconcile/apply-loop.js';
import type { Reconciler } from '../reconcile/reconciler.js';
import { FieldReader } from './field-reader.js';
import { mapNetworks, mapStatus, spell } from './map-status.js';
import { parseHost } from './parse-host.js';
import { PeerStream } from './peer-stream.js';

/** An answer stays under 1 MiB. */
const MAX_LEFTOVERS = 5_000;

/** What the service's handlers work with. */
export interface DataplaneServiceOptions {
  readonly loop: ApplyLoop;
  readonly reconciler: Reconciler;
  readonly onInternalError: InternalErrorListener;
}

/** `overlay.v1.DataplaneService`. */
export function dataplaneService({ loop, reconciler, onInternalError }: DataplaneServiceOptions): RpcService {
  let replaceStream: (() => void) | undefined;

  const applyPeers = async (
    requests: AsyncIterable<ApplyPeersRequest>,
    signal: AbortSignal,
  ): Promise<ApplyPeersResponse> => {
    const replaced = new AbortController();
    replaceStream?.();
    replaceStream = () => replaced.abort();
    const writtenBefore = loop.peerWrites;
    const stream = new PeerStream();
    for await (const { frame } of until(requests, AbortSignal.any([signal, replaced.signal]))) {
      loop.takePeers(stream.next(frame));
    }
    if (replaced.signal.aborted) throw new OverlayError('aborted', 'a newer topology stream took over');
    await loop.settled();
    return {
      appliedRevision: loop.appliedRevision,
      written: BigInt(loop.peerWrites - writtenBefore),
    };
  };

  return implementService(
    DataplaneServiceService,
    {
      applyHost: async (request, { signal }) => {
        const host = parseHost(request);
        const written = await loop.applyHost(host, signal);
        return { networks: mapNetworks(reconciler), written: BigInt(written) };
      },
      applyPeers: (requests, { signal }) => applyPeers(requests, signal),
      removeNetwork: async ({ networkId }, { signal }) => {
        const reader = new FieldReader();
        const id = reader.read('network_id', networkId, parseNetworkId);
        reader.finish();
        return { removed: BigInt(id === undefined ? 0 : await loop.removeNetwork(id, signal)) };
      },
      purge: async ({ verify }) => {
        const { removed, leftovers } = await loop.purge(verify);
        return { removed: BigInt(removed), leftovers: leftovers.slice(0, MAX_LEFTOVERS).map(spell) };
      },
      getStatus: async () => mapStatus(reconciler, loop.appliedRevision),
    },
    onInternalError,
  );
}
