import { join } from 'node:path';

/** A configuration as an object; the processes read it from a JSON file. */
export type Configuration = Readonly<Record<string, unknown>>;

/** The files and sockets of one host. */
export interface HostPaths {
  readonly folder: string;
  /** `.conf` files for Mesos. */
  readonly cniDir: string;
  /** `.conflist` files. */
  readonly cniConflistDir: string;
  readonly agentSocket: string;
  readonly ipamSocket: string;
  readonly ipamHttpSocket: string;
  readonly dataplaneSocket: string;
  /** Where a Docker Engine of the host listens; the agent is told in any case. */
  readonly dockerSocket: string;
  /** What a Docker Engine of the host keeps on disk, and the `/run` that only the engine sees. */
  readonly dockerFolder: string;
  /** What Podman of the host keeps on disk. */
  readonly podmanFolder: string;
  /** `/run/docker/plugins` of the host's Docker Engine: a socket here is a plugin to it and to no other engine. */
  readonly dockerPluginsDir: string;
  readonly agentStateDir: string;
  readonly ipamStateDir: string;
  /** Where the CNI plugin queues deletions while ipam is down. */
  readonly cniDeletionsDir: string;
  /** Where docker-ipam keeps what ipam still has to be told. */
  readonly dockerReleasesDir: string;
}

/** HTTP listeners inside each host's namespace: the product's defaults, for every namespace has its own loopback. */
export const HOST_HTTP = {
  agent: '127.0.0.1:5051',
  ipam: '127.0.0.1:5062',
  dataplane: '127.0.0.1:5063',
} as const;

/** The port of the first master's gRPC listener on the underlay; the others have the ports that follow. */
export const MASTER_GRPC_PORT = 5060;

/** Lays out the folder of one host. */
export function planHostPaths(folder: string): HostPaths {
  const run = (name: string): string => join(folder, 'run', name);
  return {
    folder,
    cniDir: join(folder, 'cni', 'mesos'),
    cniConflistDir: join(folder, 'cni', 'net.d'),
    agentSocket: run('agent.sock'),
    ipamSocket: run('ipam.sock'),
    ipamHttpSocket: run('ipam-http.sock'),
    dataplaneSocket: run('dataplane.sock'),
    dockerSocket: run('docker.sock'),
    dockerFolder: join(folder, 'docker'),
    podmanFolder: join(folder, 'podman'),
    dockerPluginsDir: join(folder, 'docker', 'run', 'docker', 'plugins'),
    agentStateDir: join(folder, 'state', 'agent'),
    ipamStateDir: join(folder, 'state', 'ipam'),
    cniDeletionsDir: join(folder, 'state', 'ipam', 'deletions'),
    dockerReleasesDir: join(folder, 'state', 'docker-ipam'),
  };
}

/** The configurations of a host's processes. */
export function planHostConfigs(
  paths: HostPaths,
  ip: string,
  masters: readonly string[],
): Readonly<Record<'agent' | 'ipam' | 'docker-ipam' | 'dataplane', Configuration>> {
  return {
    agent: {
      master: masters.join(','),
      ip,
      cni_dir: paths.cniDir,
      cni_conflist_dir: paths.cniConflistDir,
      cni_deletions_dir: paths.cniDeletionsDir,
      state_dir: paths.agentStateDir,
      sockets: {
        ipam: paths.ipamSocket,
        ipam_http: paths.ipamHttpSocket,
        dataplane: paths.dataplaneSocket,
        docker: paths.dockerSocket,
      },
      listen: { http: HOST_HTTP.agent, grpc: `unix:${paths.agentSocket}` },
    },
    ipam: {
      listen: {
        grpc: `unix:${paths.ipamSocket}`,
        http: `unix:${paths.ipamHttpSocket}`,
        metrics: HOST_HTTP.ipam,
      },
      state_dir: paths.ipamStateDir,
      cni_deletions_dir: paths.cniDeletionsDir,
    },
    'docker-ipam': {
      sockets: {
        docker_plugin: join(paths.dockerPluginsDir, 'overlay.sock'),
        ipam_http: paths.ipamHttpSocket,
      },
      releases_dir: paths.dockerReleasesDir,
    },
    dataplane: {
      listen: { grpc: `unix:${paths.dataplaneSocket}`, metrics: HOST_HTTP.dataplane },
    },
  };
}

/** The configuration of a master without its log: gRPC on the underlay without TLS, HTTP on loopback. */
export function planMasterConfig(grpcAddress: string, httpPort: number): Configuration {
  return { listen: { grpc: grpcAddress, http: `127.0.0.1:${httpPort}` }, insecure: true };
}

/** The `log` block of a master: in etcd where there are endpoints, else in the master's folder. */
export function planMasterLog(folder: string, endpoints?: readonly string[]): Configuration {
  return endpoints === undefined
    ? { dir: join(folder, 'state', 'overlay_replicated_log') }
    : { etcd: { endpoints } };
}

/** Lays one configuration over another: objects are merged, anything else is replaced, `undefined` removes a key. */
export function mergeConfig(base: Configuration, patch: Configuration): Configuration {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    const old = merged[key];
    if (value === undefined) delete merged[key];
    else merged[key] = isObject(old) && isObject(value) ? mergeConfig(old, value) : value;
  }
  return merged;
}

function isObject(value: unknown): value is Configuration {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
