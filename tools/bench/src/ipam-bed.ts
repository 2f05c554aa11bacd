import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AllocationHalf, IpamServiceService } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { createRpcClient } from '@overlay/rpc';
import { ManagedProcess, runCommand, runOrFail } from '@overlay/testbed';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const CNI_FOLDER = '/usr/lib/cni';
const NETWORK = 'bench';

/** Whose addresses the standard `bridge` plugin asks for. */
export type IpamPlugin = 'overlay-ipam' | 'host-local';

/** A namespace that plays the host, one for each container, and a real overlay-ipam. */
export class IpamBed {
  readonly containers: readonly string[];
  readonly folder = mkdtempSync(join(tmpdir(), 'overlay-bench-ipam-'));
  readonly network = NETWORK;
  readonly grpcSocket = join(this.folder, 'grpc.sock');
  readonly client = createRpcClient(IpamServiceService, { target: `unix:${this.folder}/grpc.sock` });
  readonly #prefix = `bench-${randomBytes(3).toString('hex')}`;
  readonly #daemon: ManagedProcess;

  constructor(containers: number) {
    this.containers = Array.from({ length: containers }, (_, number) => `${this.#prefix}-${number}`);
    this.#daemon = new ManagedProcess({
      name: 'overlay-ipam',
      argv: [join(REPOSITORY, 'bin/overlay-ipam'), '--config', join(this.folder, 'ipam.json')],
      env: { PATH: process.env.PATH ?? '' },
      logFile: join(this.folder, 'log'),
      listening: () => listensOn(join(this.folder, 'grpc.sock')),
    });
  }

  /** Makes the namespaces, and starts overlay-ipam with one network. */
  async start(): Promise<void> {
    const listen = { grpc: `unix:${this.folder}/grpc.sock`, http: `unix:${this.folder}/http.sock` };
    const config = {
      listen: { ...listen, metrics: '127.0.0.1:0' },
      state_dir: join(this.folder, 'state'),
      cni_deletions_dir: join(this.folder, 'deletions'),
    };
    await writeFile(join(this.folder, 'ipam.json'), JSON.stringify(config));
    await this.#ipBatch('netns add', [this.#prefix, ...this.containers]);
    await this.#daemon.start();
    const pool = { networkId: 'n1', network: NETWORK, half: AllocationHalf.CNI };
    await this.client.configurePools({ pools: [{ ...pool, subnet: '9.0.0.0/20', subnet6: '' }] });
  }

  /** Calls the `bridge` plugin in the host's namespace. @returns how long it took, in milliseconds. */
  async call(ipam: IpamPlugin, command: 'ADD' | 'DEL', container: string): Promise<number> {
    const argv = ['nsenter', `--net=/run/netns/${this.#prefix}`, '--', join(CNI_FOLDER, 'bridge')];
    const startMs = performance.now();
    const { exitCode, stdout } = await runCommand(argv, {
      input: this.#configuration(ipam),
      timeoutMs: 60_000,
      env: {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        CNI_PATH: `${join(REPOSITORY, 'bin/cni')}:${CNI_FOLDER}`,
        CNI_COMMAND: command,
        CNI_CONTAINERID: container,
        CNI_NETNS: `/run/netns/${container}`,
        CNI_IFNAME: 'eth0',
      },
    });
    if (exitCode === 0) return performance.now() - startMs;
    throw new OverlayError('internal', `${command} through bridge and ${ipam} failed: ${stdout}`);
  }

  /** Ends the process and removes namespaces and folder. */
  async remove(): Promise<void> {
    this.client.close();
    await this.#daemon.kill();
    await this.#ipBatch('netns del', [...this.containers, this.#prefix]).catch(() => undefined);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #ipBatch(command: string, names: readonly string[]): Promise<string> {
    return runOrFail(['ip', '-force', '-batch', '-'], {
      input: names.map((name) => `${command} ${name}\n`).join(''),
    });
  }

  #configuration(ipam: IpamPlugin): string {
    const addresses =
      ipam === 'overlay-ipam'
        ? { type: ipam, socket: join(this.folder, 'http.sock') }
        : { type: ipam, dataDir: join(this.folder, ipam), ranges: [[{ subnet: '10.77.0.0/20' }]] };
    return JSON.stringify({
      cniVersion: '1.0.0',
      name: NETWORK,
      type: 'bridge',
      bridge: ipam === 'overlay-ipam' ? 'bench0' : 'bench1',
      isGateway: true,
      ipam: addresses,
    });
  }
}

function listensOn(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error) => resolve(error.message));
  });
}
