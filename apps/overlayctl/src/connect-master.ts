import type { NetworkServiceService } from '@overlay/contracts';
import type { RpcClient } from '@overlay/rpc';
import { explainFailure } from './explain-failure.js';
import type { GlobalOptions } from './global-options.js';

/** The master as the commands call it. */
export type MasterClient = RpcClient<typeof NetworkServiceService>;

/**
 * Runs `use` with a client of the master and closes it afterwards. Warns if the master says that its answers may be
 * out of date.
 * @throws OverlayError what the master answered; `unavailable` and `deadline_exceeded` name its address and the
 * way out.
 */
export async function withMaster<T>(
  { master, timeoutMs, tls, warn }: GlobalOptions,
  use: (client: MasterClient) => Promise<T>,
): Promise<T> {
  // Loaded here, so that help and usage errors do not wait for gRPC.
  const [{ createRpcClient }, { NetworkServiceService }] = await Promise.all([
    import('@overlay/rpc'),
    import('@overlay/contracts'),
  ]);
  let told = '';
  const onHeaders = (headers: ReadonlyMap<string, string>) => {
    const stale = headers.get('overlay-stale') ?? '';
    if (stale !== '' && stale !== told) {
      warn?.(`overlayctl: what the master at ${master} knows may be out of date: ${stale}`);
    }
    told = stale;
  };
  const client = createRpcClient(NetworkServiceService, { target: master, timeoutMs, tls, onHeaders });
  try {
    return await use(client);
  } catch (thrown) {
    throw explainFailure(thrown, {
      server: `the master at ${master}`,
      wayOut: `see whether overlay-master runs there ${tls === undefined ? 'without TLS' : 'with TLS and takes this certificate'}, or name another with --master or OVERLAY_MASTER`,
    });
  } finally {
    client.close();
  }
}
