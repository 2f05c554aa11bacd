import { DataplaneServiceService, IpamServiceService, MasterServiceService } from '@overlay/contracts';
import type { ListenAddress } from '@overlay/model';
import {
  createRpcClient,
  type HandlersOf,
  implementService,
  type RpcServer,
  startRpcServer,
} from '@overlay/rpc';

/** What the services of a test answer; a method that is not given answers UNIMPLEMENTED. */
export interface TestHandlers {
  readonly ipam?: HandlersOf<typeof IpamServiceService>;
  readonly master?: HandlersOf<typeof MasterServiceService>;
  readonly dataplane?: HandlersOf<typeof DataplaneServiceService>;
}

export const LOOPBACK: ListenAddress = { kind: 'tcp', host: '127.0.0.1', port: 0 };

/** A real server on loopback with three services, one client for each, and all that it says of its own faults. */
export async function startTestServer(handlers: TestHandlers, address: ListenAddress = LOOPBACK) {
  const internalErrors: { readonly error: unknown; readonly path: string }[] = [];
  const onInternalError = (error: unknown, path: string) => internalErrors.push({ error, path });
  const server = await startRpcServer({
    listen: { key: 'listen.grpc', address },
    services: [
      implementService(IpamServiceService, handlers.ipam ?? {}, onInternalError),
      implementService(MasterServiceService, handlers.master ?? {}, onInternalError),
      implementService(DataplaneServiceService, handlers.dataplane ?? {}, onInternalError),
    ],
    onInternalError,
  });
  const target = targetOf(server);
  const ipam = createRpcClient(IpamServiceService, { target });
  const master = createRpcClient(MasterServiceService, { target });
  const dataplane = createRpcClient(DataplaneServiceService, { target });
  return {
    server,
    target,
    ipam,
    master,
    dataplane,
    internalErrors,
    async close() {
      for (const client of [ipam, master, dataplane]) client.close();
      await server.close(0);
    },
  };
}

export type TestServer = Awaited<ReturnType<typeof startTestServer>>;

/** What a client connects to. */
export function targetOf(server: RpcServer): string {
  const { address } = server;
  return address.kind === 'unix' ? `unix:${address.path}` : `${address.host}:${address.port}`;
}

/** A promise and the function that resolves it. */
export function whenCalled(): { readonly called: Promise<void>; readonly call: () => void } {
  let call: () => void = () => undefined;
  const called = new Promise<void>((resolve) => {
    call = resolve;
  });
  return { called, call };
}

/** Resolves when the signal has aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Waits for something that has no event of its own. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
