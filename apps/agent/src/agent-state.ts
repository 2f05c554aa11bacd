import {
  type Assignment,
  Capacity,
  Container,
  GetStatusResponse,
  type RegisterAgentResponse,
} from '@overlay/contracts';
import { ChangeSignal } from './change-signal.js';
import type { HostProgress } from './configuration/network-progress.js';
import { planNetworkStates } from './configuration/plan-network-states.js';

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
  /** The master has to be asked for the assignment again. */
  readonly registerAgain = new ChangeSignal();

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

  /** The last registration, from a master or from disk. */
  get registration(): RegisterAgentResponse | undefined {
    return this.#registration;
  }

  /** The assignment with the state of each network; undefined before the first registration. */
  get assignment(): Assignment | undefined {
    const assignment = this.#registration?.assignment;
    if (assignment === undefined) return undefined;
    const states = planNetworkStates(assignment.networks, this.#progress, this.#dataplane);
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

  get containers(): readonly Container[] {
    return this.#containers;
  }

  get capacities(): readonly Capacity[] {
    return this.#capacities;
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
    return this.#removed;
  }

  setRegistration(registration: RegisterAgentResponse): void {
    this.#registration = registration;
    this.reconfigure.raise();
    this.changed.raise();
  }

  setProgress(progress: HostProgress): void {
    this.#progress = progress;
    this.changed.raise();
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
}

function usageBytes(containers: readonly Container[], capacities: readonly Capacity[]): Uint8Array {
  return Buffer.concat([
    ...containers.map((container) => Container.encode(container).finish()),
    ...capacities.map((capacity) => Capacity.encode(capacity).finish()),
  ]);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}
