import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AllocationHalf, IpamServiceService, type Pool } from '@overlay/contracts';
import { createRpcClient } from '@overlay/rpc';
import { type CommandResult, ManagedProcess, runCommand } from '@overlay/testbed';

/** The checkout: the tests run from its root. */
export const REPOSITORY = resolve(process.cwd());

/** The plugin under test. */
export const PLUGIN = join(REPOSITORY, 'bin/cni/overlay-ipam');

/** The network that {@link IpamDaemon.configure} makes. */
export const NETWORK = 'dcos';

/** How the plugin is called. */
export interface PluginCall {
  readonly command: string;
  readonly containerId?: string;
  readonly version?: string;
  /** Instead of the usual configuration. */
  readonly stdin?: string;
  /** Added to, or replacing, the usual variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of {@link PLUGIN}. */
  readonly path?: string;
}

/** A real overlay-ipam in a folder of its own, with the plugin beside it. */
export class IpamDaemon {
  readonly folder = mkdtempSync(join(tmpdir(), 'overlay-ipam-'));
  readonly deletions = join(this.folder, 'deletions');
  readonly httpSocket = join(this.folder, 'http.sock');
  readonly grpcSocket = join(this.folder, 'grpc.sock');
  readonly client = createRpcClient(IpamServiceService, { target: `unix:${this.grpcSocket}` });
  readonly process: ManagedProcess;

  constructor(stateFolder?: string, more: Readonly<Record<string, unknown>> = {}) {
    const state = stateFolder ?? join(this.folder, 'state');
    mkdirSync(state, { recursive: true });
    const config = {
      listen: { grpc: `unix:${this.grpcSocket}`, http: `unix:${this.httpSocket}`, metrics: '127.0.0.1:0' },
      state_dir: state,
      cni_deletions_dir: this.deletions,
      ...more,
    };
    const file = join(this.folder, 'ipam.json');
    writeFileSync(file, JSON.stringify(config));
    this.process = new ManagedProcess({
      name: 'overlay-ipam',
      argv: [join(REPOSITORY, 'bin/overlay-ipam'), '--config', file],
      env: { PATH: process.env.PATH ?? '' },
      logFile: join(this.folder, 'log'),
      listening: () => this.#listens(),
    });
  }

  /** Gives the daemon the one network, with these prefixes. */
  async configure(subnet: string, subnet6 = ''): Promise<void> {
    const pool: Pool = { networkId: 'n1', network: NETWORK, half: AllocationHalf.CNI, subnet, subnet6 };
    await this.client.configurePools({ pools: [pool] });
  }

  /** The configuration that the agent writes, for the plugins `bridge` and ours. */
  conf(version = '1.0.0', more: Readonly<Record<string, unknown>> = {}): string {
    return JSON.stringify({
      cniVersion: version,
      name: NETWORK,
      type: 'bridge',
      bridge: `m-${NETWORK}`,
      ipam: { type: 'overlay-ipam', socket: this.httpSocket, deletions_dir: this.deletions },
      ...more,
    });
  }

  /** Calls the plugin directly, in an environment that has nothing else. */
  plugin(call: PluginCall): Promise<CommandResult> {
    const containerId = call.containerId ?? 'c1';
    return runCommand([call.path ?? PLUGIN], {
      input: call.stdin ?? this.conf(call.version),
      env: {
        CNI_COMMAND: call.command,
        CNI_CONTAINERID: containerId,
        CNI_NETNS: `/run/netns/${containerId}`,
        CNI_IFNAME: 'eth0',
        ...call.env,
      },
    });
  }

  /** The IPv4 addresses that are held, by container. */
  async held(): Promise<ReadonlyMap<string, string>> {
    const { allocations } = await this.client.listAllocations({ network: '', pageSize: 0, pageToken: '' });
    return new Map(
      allocations.map(({ owner, addresses }) => [owner?.containerId ?? '', addresses[0]?.address ?? '']),
    );
  }

  /** Ends the process and removes the folder. */
  async remove(): Promise<void> {
    this.client.close();
    await this.process.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #listens(): Promise<string | undefined> {
    return new Promise((resolveProbe) => {
      const socket = connect(this.grpcSocket, () => {
        socket.destroy();
        resolveProbe(undefined);
      });
      socket.once('error', (error) => resolveProbe(error.message));
    });
  }
}
