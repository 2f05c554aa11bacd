import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { type AppName, AppProcess } from './app-process.js';
import { type CniChain, parseCniAddresses, parseCniConfiguration } from './cni-chain.js';
import { CniRuntime } from './cni-runtime.js';
import { type Attachment, Container } from './container.js';
import { type DockerHalf, dockerBridgeName, planDockerAttachment, planDockerBridge } from './docker-half.js';
import { runIpBatch } from './ip-batch.js';
import { NetworkNamespace } from './network-namespace.js';
import type { AgentOverlayState, AgentState } from './overlay-state.js';
import {
  type Configuration,
  HOST_HTTP,
  type HostPaths,
  mergeConfig,
  planHostConfigs,
  planHostPaths,
} from './process-configs.js';
import { httpAnswersOkInside, unixSocketListens } from './readiness.js';
import type { Surroundings } from './surroundings.js';
import { planDefaultRoutes, planUnderlayAddresses } from './underlay.js';
import type { AddressPair } from './underlay-plan.js';

/** Changes to the configurations of a host's processes, laid over the testbed's own. */
export type HostConfigPatch = Partial<Record<HostAppName, Configuration>>;

/** The processes of a host. */
export type HostAppName = Exclude<AppName, 'master'>;

/** What a new host is told. */
export interface HostSpec {
  readonly label: string;
  readonly address: AddressPair;
  readonly router: AddressPair;
  /** `ADDRESS:PORT` of the masters. */
  readonly masters: readonly string[];
  readonly config: HostConfigPatch;
}

/** How long {@link Host.start} waits: until the sockets listen, or until `/readyz` answers 200. */
export type StartWait = 'listening' | 'ready';

/** What attaching through CNI may change. */
export interface CniAttachOptions {
  /** A configuration of the caller's; the agent's `99-overlay-<network>.conflist` when absent. */
  readonly chain?: CniChain;
  /** Use the agent's single-plugin `.conf` for Mesos (CNI 0.2.0) instead of its `.conflist`. */
  readonly mesos?: boolean;
  /** `CNI_ARGS`. */
  readonly args?: string;
}

/** What attaching to the Docker half may change. */
export interface DockerAttachOptions {
  /** The half; what the agent says when absent. */
  readonly half?: DockerHalf;
  /** Default: `overlay_mtu` of the agent's configuration, else 1420. */
  readonly mtuBytes?: number;
}

/** A host: a namespace on the underlay with its own agent, ipam and dataplane, and containers. */
export class Host extends NetworkNamespace {
  readonly paths: HostPaths;
  readonly agent: AppProcess;
  readonly ipam: AppProcess;
  readonly dataplane: AppProcess;
  /** The containers that are on this host now. */
  readonly containers: Container[] = [];
  /** Plays the container runtime: raw CNI calls in this host. */
  readonly cni: CniRuntime;
  readonly #router: AddressPair;
  readonly #dockerOrdinals = new Map<string, number>();
  readonly #dockerBridges = new Map<string, Promise<void>>();
  #address: AddressPair;
  #containersMade = 0;

  constructor(around: Surroundings, spec: HostSpec) {
    super(around, spec.label);
    this.#address = spec.address;
    this.#router = spec.router;
    this.paths = planHostPaths(join(around.folder, spec.label));
    for (const folder of [
      join(this.paths.folder, 'run'),
      this.paths.cniDir,
      this.paths.cniConflistDir,
      this.paths.agentStateDir,
      this.paths.ipamStateDir,
    ]) {
      mkdirSync(folder, { recursive: true });
    }
    const configs = planHostConfigs(this.paths, spec.address.ipv4, spec.masters);
    const app = (name: HostAppName, socket: string): AppProcess =>
      new AppProcess(around, {
        app: name,
        owner: spec.label,
        folder: this.paths.folder,
        enter: this.enter,
        config: mergeConfig(configs[name], spec.config[name] ?? {}),
        listening: unixSocketListens(socket),
        ready: httpAnswersOkInside(this.enter, `http://${HOST_HTTP[name]}/readyz`),
      });
    this.ipam = app('ipam', this.paths.ipamSocket);
    this.dataplane = app('dataplane', this.paths.dataplaneSocket);
    this.agent = app('agent', this.paths.agentSocket);
    this.cni = new CniRuntime(this, around.repository, around.env);
  }

  /** Its addresses on the underlay. */
  get address(): AddressPair {
    return this.#address;
  }

  /** The processes in starting order. */
  get processes(): readonly AppProcess[] {
    return [this.ipam, this.dataplane, this.agent];
  }

  /** Starts those of its processes that do not run, all at once, and waits for them. */
  async start(wait: StartWait = 'ready', timeoutMs = 30_000): Promise<void> {
    for (const process of this.processes) if (!process.running) process.launch();
    await Promise.all(
      this.processes.map((process) =>
        wait === 'ready' ? process.waitReady(timeoutMs) : process.waitListening(timeoutMs),
      ),
    );
  }

  /** SIGTERM to its processes, the agent first. */
  async stop(): Promise<void> {
    for (const process of [...this.processes].reverse()) await process.stop();
  }

  /** SIGKILL to all its processes at once. */
  async kill(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.kill()));
  }

  /** `GET /overlay-agent/overlay`. */
  async overlays(): Promise<AgentState> {
    const url = `http://${HOST_HTTP.agent}/overlay-agent/overlay`;
    const body = await this.execOrFail([
      'curl',
      '--silent',
      '--show-error',
      '--fail-with-body',
      '--max-time',
      '5',
      url,
    ]);
    return JSON.parse(body) as AgentState;
  }

  /** One network as the agent reports it. @throws OverlayError `not_found`. */
  async overlay(network: string): Promise<AgentOverlayState> {
    const { overlays = [] } = await this.overlays();
    const overlay = overlays.find(({ info }) => info.name === network);
    if (overlay === undefined)
      throw new OverlayError('not_found', `the agent of ${this.label} has no network ${network}`);
    return overlay;
  }

  /** What the agent wrote for container runtimes: its `.conflist`, or its `.conf` for Mesos. */
  cniChain(network: string, mesos = false): CniChain {
    const file = mesos
      ? join(this.paths.cniDir, `${network}.conf`)
      : join(this.paths.cniConflistDir, `99-overlay-${network}.conflist`);
    return parseCniConfiguration(readFileSync(file, 'utf8'), file);
  }

  /** Makes a container and attaches it through the real CNI plugins. */
  async attachCni(network: string, options: CniAttachOptions = {}): Promise<Container> {
    const chain = options.chain ?? this.cniChain(network, options.mesos);
    return this.#addContainer(async (shell) => {
      const attachment = {
        containerId: shell.namespace,
        netns: shell.path,
        ifname: 'eth0',
        ...(options.args === undefined ? {} : { args: options.args }),
      };
      const result = await this.cni.add(chain, attachment);
      return {
        host: this.label,
        network,
        half: 'cni',
        addresses: parseCniAddresses(result),
        detach: () => this.cni.del(chain, attachment, result),
      };
    });
  }

  /** Makes a container on the network's Docker half, by hand, as Docker would. The bridge stays when it goes. */
  async attachDockerHalf(network: string, options: DockerAttachOptions = {}): Promise<Container> {
    const half = options.half ?? (await this.#dockerHalf(network));
    const mtuBytes = options.mtuBytes ?? this.#overlayMtu();
    const ordinal = (this.#dockerOrdinals.get(network) ?? 0) + 1;
    this.#dockerOrdinals.set(network, ordinal);
    const bridge = this.#dockerBridges.get(network) ?? this.ip(...planDockerBridge(network, half, mtuBytes));
    this.#dockerBridges.set(network, bridge);
    await bridge;
    return this.#addContainer(async (shell) => {
      const plan = planDockerAttachment({
        network,
        half,
        ordinal,
        mtuBytes,
        containerNamespace: shell.namespace,
      });
      await this.ip(...plan.host);
      await shell.ip(...plan.container);
      const detach = (): Promise<void> => shell.ip('link del eth0');
      return { host: this.label, network, half: 'docker', addresses: plan.addresses, detach };
    });
  }

  /** Gives the host other underlay addresses and tells the agent's configuration; a restart makes it look. */
  async changeAddress(address: AddressPair): Promise<void> {
    await this.ip(
      'addr flush dev eth0 scope global',
      ...planUnderlayAddresses(address, 'eth0'),
      ...planDefaultRoutes(this.#router),
    );
    this.#address = address;
    this.agent.configure({ ip: address.ipv4 });
  }

  async #addContainer(attach: (shell: NetworkNamespace) => Promise<Attachment>): Promise<Container> {
    this.#containersMade += 1;
    const label = `${this.label}-c${this.#containersMade}`;
    const shell = new NetworkNamespace(this.around, label);
    await runIpBatch([`netns add ${shell.namespace}`]);
    try {
      await shell.ip('link set lo up');
      const attachment = await attach(shell);
      const container = new Container(this.around, label, {
        ...attachment,
        detach: async () => {
          await attachment.detach();
          this.containers.splice(this.containers.indexOf(container), 1);
        },
      });
      this.containers.push(container);
      return container;
    } catch (cause) {
      await runIpBatch([`netns del ${shell.namespace}`]);
      throw cause;
    }
  }

  async #dockerHalf(network: string): Promise<DockerHalf> {
    const { docker_bridge: bridge } = await this.overlay(network);
    if (bridge === undefined) {
      throw new OverlayError(
        'failed_precondition',
        `network ${network} has no ${dockerBridgeName(network)} on ${this.label}`,
      );
    }
    return {
      ...(bridge.ip === undefined ? {} : { subnet: bridge.ip }),
      ...(bridge.ip6 === undefined ? {} : { subnet6: bridge.ip6 }),
    };
  }

  #overlayMtu(): number {
    const network = this.agent.config.network_config as { readonly overlay_mtu?: number } | undefined;
    return network?.overlay_mtu ?? 1420;
  }
}
