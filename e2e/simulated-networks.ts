import { setTimeout as sleep } from 'node:timers/promises';
import { NetworkOrigin, type NetworkSpec } from '@overlay/contracts';
import { isFailure, OverlayError } from '@overlay/failure';
import type { InsistentMasters, MasterClients } from './insistent-masters.js';
import { type NetworkEvent, type ShownNetwork, shownNetwork } from './network-history.js';
import type { SeededRandom } from './seeded-random.js';

/** Names of each worker. */
const NAMES = 3;
const PACE_MS = 60;

/** Every network that was created at runtime, as a master shows it. */
export async function listNetworks({ networks }: MasterClients): Promise<readonly ShownNetwork[]> {
  const page = await networks.listNetworks({ pageSize: 1_000, pageToken: '' });
  return page.networks.filter(({ origin }) => origin === NetworkOrigin.RUNTIME).map(shownNetwork);
}

/**
 * An operator's networks: created in one small address space, so that many would overlap, changed and deleted, each
 * call repeated until it is acknowledged or refused. They are disabled, so that no agent has a part of them and
 * deletions end by themselves; agents hold blocks of the one network that {@link createShared} makes.
 */
export class SimulatedNetworks {
  readonly events: NetworkEvent[] = [];
  readonly #random: SeededRandom;
  readonly #masters: InsistentMasters;
  readonly #stopping = new AbortController();
  #workers: readonly Promise<void>[] = [];
  #acknowledged = 0;

  constructor(masters: InsistentMasters, random: SeededRandom) {
    this.#masters = masters;
    this.#random = random;
  }

  /** How many creations, changes and deletions were acknowledged so far. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Begins, several workers at a time; each has names of its own. */
  start(workers: number): void {
    this.#workers = Array.from({ length: workers }, (_, worker) => this.#work(worker));
    for (const worker of this.#workers) worker.catch(() => undefined); // stop() tells
  }

  /** Lets everybody finish what was begun, and stops. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#workers);
  }

  /** Creates a network that every agent takes a block of when it registers next. */
  async createShared(name: string, subnet: string): Promise<void> {
    await this.#create({ ...plainSpec(name, subnet), prefix: 26, disabled: false });
  }

  async #work(worker: number): Promise<void> {
    const own = new Map<string, NetworkSpec>();
    while (!this.#stopping.signal.aborted) {
      const name = `w${worker}-${this.#random.below(NAMES)}`;
      const there = own.get(name);
      if (there === undefined) {
        const created = await this.#tryToCreate(plainSpec(name, this.#anySubnet()));
        if (created !== undefined) own.set(name, created);
      } else if (this.#random.next() < 0.5) {
        own.set(name, await this.#update({ ...there, isolated: !there.isolated }));
      } else {
        await this.#delete(name);
        own.delete(name);
      }
      await sleep(PACE_MS);
    }
  }

  /** One of 28 subnets that contain each other. */
  #anySubnet(): string {
    const length = 14 + this.#random.below(3);
    const step = 1 << (16 - length);
    return `10.${64 + step * this.#random.below(16 / step)}.0.0/${length}`;
  }

  /** @returns the network, or undefined if it is refused. */
  async #tryToCreate(spec: NetworkSpec): Promise<NetworkSpec | undefined> {
    try {
      return await this.#create(spec);
    } catch (thrown) {
      // It overlaps another, or the one before it is still going.
      if (isFailure(thrown, 'invalid_argument') || isFailure(thrown, 'failed_precondition')) return undefined;
      // An attempt of before, with another subnet, whose outcome was unknown.
      if (!isFailure(thrown, 'already_exists')) throw thrown;
      await this.#delete(spec.name);
      return undefined;
    }
  }

  async #create(spec: NetworkSpec): Promise<NetworkSpec> {
    const { network } = await this.#masters.insist(
      () => this.#begin(spec.name),
      ({ networks }) => networks.createNetwork({ spec }),
    );
    return this.#set(network);
  }

  async #update(spec: NetworkSpec): Promise<NetworkSpec> {
    const { network } = await this.#masters.insist(
      () => this.#begin(spec.name),
      ({ networks }) => networks.updateNetwork({ spec }),
    );
    return this.#set(network);
  }

  async #delete(name: string): Promise<void> {
    try {
      await this.#masters.insist(
        () => this.#begin(name),
        ({ networks }) => networks.deleteNetwork({ name, force: true }),
      );
    } catch (thrown) {
      // An attempt of before did it, and nothing is left already.
      if (!isFailure(thrown, 'not_found')) throw thrown;
    }
    this.#acknowledged += 1;
    this.events.push({ type: 'network-deleted', name });
  }

  #begin(name: string): void {
    this.events.push({ type: 'network-begun', name });
  }

  #set(network: Parameters<typeof shownNetwork>[0] | undefined): NetworkSpec {
    if (network?.spec === undefined) throw new OverlayError('internal', 'a network without a definition');
    this.#acknowledged += 1;
    this.events.push({ type: 'network-set', network: shownNetwork(network) });
    return network.spec;
  }
}

function plainSpec(name: string, subnet: string): NetworkSpec {
  return { name, subnet, prefix: 24, subnet6: '', prefix6: 0, disabled: true, isolated: false };
}
