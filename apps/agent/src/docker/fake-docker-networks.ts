import { OverlayError } from '@overlay/failure';
import { ChangeSignal } from '../change-signal.js';
import {
  type DockerContainer,
  type DockerNetwork,
  type DockerNetworkSettings,
  type DockerNetworks,
  usersOf,
} from './docker-networks.js';
import { engineFeatures } from './engine-version.js';

/** A Docker engine in memory, for tests. It may be away, and others may change its networks. */
export class FakeDockerNetworks implements DockerNetworks {
  readonly socket = '/fake/docker.sock';
  readonly networks: DockerNetwork[] = [];
  readonly containers: DockerContainer[] = [];
  /** Every creation and removal that succeeded, in order. */
  readonly changes: string[] = [];
  engineVersion = '20.10.24+dfsg1';
  /** The error that every call meets; undefined while the engine is well. */
  trouble: OverlayError | undefined;
  /** The error that creations meet. */
  refusal: OverlayError | undefined;
  readonly #events = new ChangeSignal();
  #made = 0;

  async version(): Promise<string> {
    this.#answer();
    return this.engineVersion;
  }

  async list(): Promise<readonly DockerNetwork[]> {
    this.#answer();
    return [...this.networks];
  }

  async create(settings: DockerNetworkSettings): Promise<void> {
    this.#answer();
    if (this.refusal !== undefined) throw this.refusal;
    const { name, subnets } = settings;
    if (this.networks.some((network) => network.name === name)) {
      throw new OverlayError('already_exists', `network with name ${name} already exists`);
    }
    this.#made += 1;
    const bare = !settings.subnets.some(({ subnet }) => !subnet.includes(':'));
    const [subnet, gateway] = [`172.${17 + this.#made}.0.0/16`, `172.${17 + this.#made}.0.1`];
    const own = { subnet, gateway, range: '', setAside: [] };
    const forced = bare && !engineFeatures(this.engineVersion).ipv6Only;
    this.networks.push({
      ...settings,
      subnets: forced ? [own, ...subnets] : subnets,
      id: `net${this.#made}`,
    });
    this.changes.push(`+${name}`);
    this.#events.raise();
  }

  async remove(id: string): Promise<void> {
    this.#answer();
    const found = this.networks.find((network) => network.id === id);
    if (found === undefined) return;
    if (usersOf(found, this.containers).some(({ running }) => running)) {
      throw new OverlayError('failed_precondition', `network ${found.name} has active endpoints`);
    }
    this.networks.splice(this.networks.indexOf(found), 1);
    this.changes.push(`-${found.name}`);
    this.#events.raise();
  }

  async listContainers(): Promise<readonly DockerContainer[]> {
    this.#answer();
    return [...this.containers];
  }

  async *watchChanges(signal: AbortSignal): AsyncIterable<void> {
    while (!signal.aborted) {
      this.#answer();
      const seen = this.#events.count;
      yield;
      await this.#events.after(seen, signal);
    }
  }

  /** Starts a container on a network, as `docker run` would. */
  start(name: string, network: string, ip: string, ip6 = ''): void {
    const networkId = this.networks.find((one) => one.name === network)?.id ?? '';
    const endpoints = [{ network, networkId, ip, ip6 }];
    this.containers.push({ id: `id-${name}`, name, running: true, labels: {}, endpoints });
    this.#events.raise();
  }

  /** Stops a container, which stays, as `docker stop` would. */
  stop(name: string): void {
    const at = this.#find(name);
    const found = this.containers[at];
    if (found === undefined) return;
    const endpoints = found.endpoints.map((endpoint) => ({ ...endpoint, ip: '', ip6: '' }));
    this.containers[at] = { ...found, running: false, endpoints };
    this.#events.raise();
  }

  /** Removes a container, as `docker rm --force` would. */
  removeContainer(name: string): void {
    this.containers.splice(this.#find(name), 1);
    this.#events.raise();
  }

  #find(name: string): number {
    return this.containers.findIndex((one) => one.name === name);
  }

  /** Lets the engine go or come back, as its followers notice. */
  setTrouble(trouble: OverlayError | undefined): void {
    this.trouble = trouble;
    this.#events.raise();
  }

  #answer(): void {
    if (this.trouble !== undefined) throw this.trouble;
  }
}
