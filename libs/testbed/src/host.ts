import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OverlayError } from '@overlay/failure';
import { type AppName, AppProcess } from './app-process.js';
import { type CniChain, parseCniAddresses, parseCniConfiguration } from './cni-chain.js';
import { CniRuntime } from './cni-runtime.js';
import type { Container } from './container.js';
import { ContainerRoster } from './container-roster.js';
import { DockerEngine } from './docker-engine.js';
import { type DockerHalf, dockerBridgeName, planDockerAttachment, planDockerBridge } from './docker-half.js';
import { NetworkNamespace } from './network-namespace.js';
import type { AgentOverlayState, AgentState } from './overlay-state.js';
import { Podman } from './podman.js';
import {
  type Configuration,
  HOST_HTTP,
  type HostPaths,
  mergeConfig,
  planHostConfigs,
  planHostPaths,
} from './process-configs.js';
import { httpAnswersOkInside, unixSocketListens } from './readiness.js';
import {
  type DockerRunOptions,
  type PodmanRunOptions,
  runDockerContainer,
  runPodmanContainer,
} from './run-container.js';
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
  /** Answers Docker for ipam, on a host whose agent has `pool: shared`; see {@link Host.processes}. */
  readonly dockerIpam: AppProcess;
  /** Plays the container runtime: raw CNI calls in this host. */
  readonly cni: CniRuntime;
  /** Its Docker Engine, which runs from {@link Host.startDocker} on. */
  readonly docker: DockerEngine;
  /** Its Podman, which needs no daemon. */
  readonly podman: Podman;
  readonly #router: AddressPair;
  readonly #dockerOrdinals = new Map<string, number>();
  readonly #dockerBridges = new Map<string, Promise<void>>();
  readonly #roster: ContainerRoster;
  #address: AddressPair;

  constructor(around: Surroundings, spec: HostSpec) {
    super(around, spec.label);
    this.#address = spec.address;
    this.#router = spec.router;
    this.#roster = new ContainerRoster(around, spec.label);
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
    const isReady = (name: keyof typeof HOST_HTTP) =>
      httpAnswersOkInside(this.enter, `http://${HOST_HTTP[name]}/readyz`);
    const app = (name: HostAppName, socket: string, ready = unixSocketListens(socket)): AppProcess =>
      new AppProcess(around, {
        app: name,
        owner: spec.label,
        folder: this.paths.folder,
        enter: this.enter,
        config: mergeConfig(configs[name], spec.config[name] ?? {}),
        listening: unixSocketListens(socket),
        ready,
      });
    this.ipam = app('ipam', this.paths.ipamSocket, isReady('ipam'));
    this.dataplane = app('dataplane', this.paths.dataplaneSocket, isReady('dataplane'));
    this.agent = app('agent', this.paths.agentSocket, isReady('agent'));
    this.dockerIpam = app('docker-ipam', join(this.paths.dockerPluginsDir, 'overlay.sock'));
    this.docker = new DockerEngine(around, {
      host: spec.label,
      netns: this.path,
      folder: this.paths.dockerFolder,
      socket: this.paths.dockerSocket,
    });
    this.podman = new Podman(around, {
      host: spec.label,
      netns: this.path,
      folder: this.paths.podmanFolder,
      cniConfigDir: this.paths.cniConflistDir,
    });
    this.cni = new CniRuntime(this, around.repository, around.env);
  }

  /** The containers that are on this host now. */
  get containers(): readonly Container[] {
    return this.#roster.list;
  }

  /** Its addresses on the underlay. */
  get address(): AddressPair {
    return this.#address;
  }

  /** The processes in starting order; docker-ipam only where the agent's configuration has `pool: shared`. */
  get processes(): readonly AppProcess[] {
    const isShared = this.agent.config.pool === 'shared';
    return [...(isShared ? [this.dockerIpam] : []), this.ipam, this.dataplane, this.agent];
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
    return this.#roster.attach(async (shell) => {
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
    if (half === undefined) {
      throw new OverlayError(
        'failed_precondition',
        `network ${network} has no ${dockerBridgeName(network)} on ${this.label}`,
      );
    }
    const mtuBytes = options.mtuBytes ?? this.#overlayMtu();
    const ordinal = (this.#dockerOrdinals.get(network) ?? 0) + 1;
    this.#dockerOrdinals.set(network, ordinal);
    const bridge = this.#dockerBridges.get(network) ?? this.ip(...planDockerBridge(network, half, mtuBytes));
    this.#dockerBridges.set(network, bridge);
    await bridge;
    return this.#roster.attach(async (shell) => {
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

  /**
   * Starts a Docker Engine on the host; ready when this returns. Safe to repeat.
   *
   * @throws OverlayError `unavailable` with the end of its log where an engine cannot run.
   */
  startDocker(timeoutMs?: number): Promise<void> {
    return this.docker.start(timeoutMs);
  }

  /** Waits until the host's Docker Engine has a network. @throws OverlayError `deadline_exceeded`. */
  async waitDockerNetwork(network: string, timeoutMs = 30_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const answer = await this.docker.docker('network', 'inspect', '--format', '{{.Id}}', network);
      if (answer.exitCode === 0) return;
      if (Date.now() > deadline) {
        const words = `the Docker Engine of ${this.label} has no network ${network} after ${timeoutMs} ms`;
        throw new OverlayError('deadline_exceeded', `${words}: ${answer.stderr.trim()}`);
      }
      await sleep(100);
    }
  }

  /** Runs a container in the host's Docker Engine, on a network of Docker's. */
  async runDocker(network: string, options: DockerRunOptions = {}): Promise<Container> {
    const half = await this.#dockerHalf(network);
    return this.#roster.adopt((name) => runDockerContainer(this.docker, network, half, { name, ...options }));
  }

  /** Runs a container with the host's Podman, on a network of the agent's `.conflist` files. */
  async runPodman(network: string, options: PodmanRunOptions = {}): Promise<Container> {
    return this.#roster.adopt((name) => runPodmanContainer(this.podman, network, { name, ...options }));
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

  /** What the agent says; `undefined` when none runs, or when the network is none of ours. */
  async #dockerHalf(network: string): Promise<DockerHalf | undefined> {
    if (!this.agent.running) return undefined;
    const { overlays = [] } = await this.overlays();
    const bridge = overlays.find(({ info }) => info.name === network)?.docker_bridge;
    if (bridge === undefined) return undefined;
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
