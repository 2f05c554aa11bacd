import { rmSync } from 'node:fs';
import {
  type ApplyHostRequest,
  Capacity,
  DataplaneServiceService,
  IpamServiceService,
  NetworkStatus,
  type Pool,
  type TopologyFrame,
} from '@overlay/contracts';
import { implementService, type RpcServer, type RpcService, startRpcServer } from '@overlay/rpc';

async function listen(path: string, service: RpcService): Promise<RpcServer> {
  const address = { kind: 'unix', path } as const;
  rmSync(path, { force: true });
  return startRpcServer({
    listen: { key: 'test', address },
    services: [service],
    onInternalError: () => undefined,
  });
}

/** What a played overlay-dataplane was told. */
export interface FakeDataplaneServer {
  readonly hosts: ApplyHostRequest[];
  /** Frames of each stream. */
  readonly streams: TopologyFrame[][];
  close(): Promise<void>;
}

/** overlay-dataplane over real gRPC, played by a test: everything that is asked succeeds. */
export async function startDataplane(path: string): Promise<FakeDataplaneServer> {
  const hosts: ApplyHostRequest[] = [];
  const streams: TopologyFrame[][] = [];
  const networks = () =>
    (hosts.at(-1)?.assignment?.networks ?? []).map(({ networkId, network }) => ({
      networkId,
      network: network?.name ?? '',
      state: { status: NetworkStatus.OK, error: '' },
    }));
  const service = implementService(
    DataplaneServiceService,
    {
      async applyHost(request) {
        hosts.push(request);
        return { networks: networks(), written: 0n };
      },
      async applyPeers(requests) {
        const frames: TopologyFrame[] = [];
        streams.push(frames);
        for await (const { frame } of requests) if (frame !== undefined) frames.push(frame);
        return { appliedRevision: 0n, written: 0n };
      },
      removeNetwork: async () => ({ removed: 0n }),
      getStatus: async () => ({
        networks: networks(),
        objects: [],
        failures: [],
        peers: 0n,
        appliedRevision: 0n,
        configured: hosts.length > 0,
        warnings: [],
      }),
    },
    () => undefined,
  );
  const server = await listen(path, service);
  return { hosts, streams, close: () => server.close(0) };
}

/** What a played overlay-ipam was told. */
export interface FakeIpamServer {
  readonly pools: (readonly Pool[])[];
  close(): Promise<void>;
}

/** overlay-ipam over real gRPC, played by a test, with one container. */
export async function startIpam(path: string): Promise<FakeIpamServer> {
  const pools: (readonly Pool[])[] = [];
  const service = implementService(
    IpamServiceService,
    {
      async configurePools(request) {
        pools.push(request.pools);
        return request;
      },
      listAllocations: async () => ({
        allocations: [
          {
            network: 'dcos',
            half: 1,
            owner: { containerId: 'c1', interface: 'eth0' },
            addresses: [{ address: '9.0.0.5/25', gateway: '9.0.0.1' }],
            networkNamespace: '',
            labels: {},
            allocatedAtMs: 0n,
            bootId: '',
            reservation: '',
            ownerKind: '',
          },
        ],
        nextPageToken: '',
      }),
      getCapacity: async () => ({
        capacities: (pools.at(-1) ?? []).map(({ network, half }) => Capacity.create({ network, half })),
      }),
      async *watchCapacity(_request, { signal }) {
        yield { capacities: [] };
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      },
    },
    () => undefined,
  );
  const server = await listen(path, service);
  return { pools, close: () => server.close(0) };
}
