import {
  type Assignment,
  Capacity,
  Container,
  GetStatusResponse,
  type RegisterAgentResponse,
} from '@overlay/contracts';
import { ChangeSignal } from './change-signal.js';
import { deletedNetworkIds } from './configuration/deleted-networks.js';
import type { HostProgress } from './configuration/network-progress.js';
import { planNetworkStates } from './configuration/plan-network-states.js';
import { planSharedBlocks } from './configuration/plan-shared-blocks.js';
import { strandedContainers } from './configuration/stranded-containers.js';
import { type DockerHalfSettings, dockerHalfOf } from './docker/docker-half.js';
import { type DockerPicture, NO_DOCKER } from './docker/docker-picture.js';
import { mergeContainers } from './docker/plan-docker-containers.js';
import type { PoolMode } from './docker/plan-docker-network.js';
import { silentRows } from './report/silent-rows.js';

/** What the loops of one agent know together. Each setter raises the signals of those who follow. */
export class AgentState {
  /** Something that is shown or reported changed. */
  readonly changed = new ChangeSignal();
  /** The host has to be configured: another assignment, or a daemon that may have lost its own. */
  readonly reconfigure = new ChangeSignal();
  /** Raised by each accepted ApplyHost. */
  readonly hostApplied = new ChangeSignal();
  /** The daemons have to be asked how they stand. */
  readonly poll = new ChangeSignal();
  /** Docker has to be looked at: it changed, or what is wanted of it. */
  readonly dockerDue = new ChangeSignal();
  /** The master has to be asked for the assignment again. */
  readonly registerAgain = new ChangeSignal();

  #received: RegisterAgentResponse | undefined;
  #registration: RegisterAgentResponse | undefined;
  #progress: HostProgress = new Map();
  #dataplane: GetStatusResponse | undefined;
  #containers: readonly Container[] = [];
  #capacities: readonly Capacity[] = [];
  #configurationAttempts = 0;
  #connected = false;
  #rejection: string | undefined;
  #removed: readonly string[] = [];
  #topologyStale = '';
  #docker: DockerPicture | undefined;
  readonly #settings: DockerHalfSettings;
  readonly #pool: PoolMode;

  /**
   * @param settings what of the configuration decides about Docker halves
   * @param pool whether the runtimes have halves or share the block
   */
  constructor(settings: DockerHalfSettings, pool: PoolMode = 'split') {
    this.#settings = settings;
    this.#pool = pool;
  }

  /** The last registration as it came, from a master or from disk. */
  get received(): RegisterAgentResponse | undefined {
    return this.#received;
  }

  /** The last registration as this host carries it out. */
  get registration(): RegisterAgentResponse | undefined {
    return this.#registration;
  }

  /** The assignment with the state of each network; undefined before the first registration. */
  get assignment(): Assignment | undefined {
    const assignment = this.#registration?.assignment;
    if (assignment === undefined) return undefined;
    const wanted = assignment.networks.filter(
      (network) => dockerHalfOf(network, this.#settings) !== undefined,
    );
    const states = planNetworkStates(assignment.networks, this.#progress, {
      dataplane: this.#dataplane,
      docker: {
        wanted: new Set(wanted.map(({ networkId }) => networkId)),
        halves: (this.#docker ?? NO_DOCKER).halves,
      },
      stranded: this.stranded,
    });
    const networks = assignment.networks.map((network) => ({
      ...network,
      state: states.get(network.networkId),
    }));
    return { ...assignment, networks };
  }

  get progress(): HostProgress {
    return this.#progress;
  }

  get dataplane(): GetStatusResponse | undefined {
    return this.#dataplane;
  }

  /** What is known of Docker; undefined until it was looked at. */
  get docker(): DockerPicture | undefined {
    return this.#docker;
  }

  /** The containers of both halves. */
  get containers(): readonly Container[] {
    return mergeContainers(this.#containers, this.#docker?.containers ?? []);
  }

  /** Those of them that hold addresses which are not this host's any more; none before the first registration. */
  get stranded(): readonly Container[] {
    const networks = this.#registration?.assignment?.networks;
    return networks === undefined ? [] : strandedContainers(networks, this.containers);
  }

  /** The addresses of both halves. */
  get capacities(): readonly Capacity[] {
    return [...this.#capacities, ...(this.#docker?.capacities ?? [])];
  }

  /** How often the host was configured since the process started, waits for daemons not counted. */
  get configurationAttempts(): number {
    return this.#configurationAttempts;
  }

  /** Whether a master's topology is being watched. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Why the masters refuse this node; undefined while they do not. */
  get rejection(): string | undefined {
    return this.#rejection;
  }

  /** Why the master says that its topology may be out of date; '' while it is current. */
  get topologyStale(): string {
    return this.#topologyStale;
  }

  /** Ids of the networks being deleted of which nothing is left on this host. */
  get removed(): readonly string[] {
    return this.#removed.filter((networkId) => !this.isInDocker(networkId));
  }

  /** Whether Docker has the network's bridge, and so may have containers on it; true until it was asked. */
  isInDocker(networkId: string): boolean {
    return this.#docker?.standing.has(networkId) ?? true;
  }

  setRegistration(registration: RegisterAgentResponse): void {
    const { assignment } = registration;
    const shares = this.#pool === 'shared' && assignment !== undefined;
    this.#received = registration;
    this.#registration = shares
      ? { ...registration, assignment: planSharedBlocks(assignment) }
      : registration;
    this.reconfigure.raise();
    this.dockerDue.raise();
    this.changed.raise();
  }

  setProgress(progress: HostProgress): void {
    const same = describeProgress(this.#progress) === describeProgress(progress);
    this.#progress = progress;
    this.changed.raise();
    if (!same) this.dockerDue.raise();
  }

  setDocker(picture: DockerPicture): void {
    const same = describeDocker(this.#docker) === describeDocker(picture);
    const deleted = this.#registration === undefined ? [] : deletedNetworkIds(this.#registration);
    const awaited = deleted.filter((networkId) => this.isInDocker(networkId));
    this.#docker = picture;
    if (!same) this.changed.raise();
    if (awaited.some((networkId) => !this.isInDocker(networkId))) this.reconfigure.raise();
  }

  setRemoved(removed: readonly string[]): void {
    const same = this.#removed.join() === removed.join();
    this.#removed = removed;
    if (!same) this.changed.raise();
  }

  countAttempt(): void {
    this.#configurationAttempts += 1;
  }

  setConnected(connected: boolean): void {
    this.#connected = connected;
  }

  /** @returns whether this is news. */
  setTopologyStale(reason: string): boolean {
    const news = reason !== this.#topologyStale;
    this.#topologyStale = reason;
    return news;
  }

  setRejection(rejection: string | undefined): void {
    this.#rejection = rejection;
  }

  setDataplane(status: GetStatusResponse | undefined): void {
    const same = sameBytes(
      GetStatusResponse.encode(this.#dataplane ?? GetStatusResponse.create()).finish(),
      GetStatusResponse.encode(status ?? GetStatusResponse.create()).finish(),
    );
    this.#dataplane = status;
    if (!same) this.changed.raise();
  }

  setUsage(containers: readonly Container[], capacities: readonly Capacity[]): void {
    const before = usageBytes(this.#containers, this.#capacities);
    this.#containers = containers;
    this.#capacities = capacities;
    if (!sameBytes(before, usageBytes(containers, capacities))) this.changed.raise();
  }

  /** overlay-ipam has not answered for long. */
  setUsageSilent(): void {
    this.setUsage(this.#containers, silentRows(this.#capacities));
  }
}

function usageBytes(containers: readonly Container[], capacities: readonly Capacity[]): Uint8Array {
  return Buffer.concat([
    ...containers.map((container) => Container.encode(container).finish()),
    ...capacities.map((capacity) => Capacity.encode(capacity).finish()),
  ]);
}

function describeProgress(progress: HostProgress): string {
  return JSON.stringify([...progress].map(([networkId, { kind }]) => [networkId, kind]));
}

function describeDocker(picture: DockerPicture | undefined): string {
  if (picture === undefined) return '';
  const { up, halves, standing, containers, capacities } = picture;
  const usage = Buffer.from(usageBytes(containers, capacities)).toString('base64');
  return JSON.stringify([up, [...halves], [...standing], usage]);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}
