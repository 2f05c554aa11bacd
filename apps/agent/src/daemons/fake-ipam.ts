import { type Allocation, Capacity, type Pool } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { ChangeSignal } from '../change-signal.js';
import type { IpamLink } from './ipam-link.js';

/** An overlay-ipam in memory, for tests. It may be away, and refuses the pools of the networks named. */
export class FakeIpam implements IpamLink {
  readonly socket = '/fake/ipam.sock';
  readonly refusedNetworks = new Set<string>();
  readonly allocations: Allocation[] = [];
  /** Rows that it tells beside an empty one for each of its pools. */
  readonly capacities: Capacity[] = [];
  readonly usage = new ChangeSignal();
  /** Every set of pools that was accepted, in order. */
  readonly accepted: (readonly Pool[])[] = [];
  away = false;

  get pools(): readonly Pool[] {
    return this.accepted.at(-1) ?? [];
  }

  async configurePools(pools: readonly Pool[]): Promise<void> {
    this.#answer();
    const violations = pools.flatMap(({ network }, at) => {
      const description = `pool ${network} is refused`;
      return this.refusedNetworks.has(network) ? [{ field: `pools[${at}].network`, description }] : [];
    });
    const [refused] = violations;
    if (refused !== undefined)
      throw new OverlayError('invalid_argument', refused.description, { violations });
    this.accepted.push(pools);
  }

  async listAllocations(): Promise<readonly Allocation[]> {
    this.#answer();
    return this.allocations;
  }

  async getCapacity(): Promise<readonly Capacity[]> {
    this.#answer();
    const told = new Set(this.capacities.map(({ network }) => network));
    const others = this.pools.filter(({ network }) => !told.has(network));
    return [...this.capacities, ...others.map(({ network, half }) => Capacity.create({ network, half }))];
  }

  async *watchUsage(signal: AbortSignal): AsyncIterable<void> {
    while (!signal.aborted) {
      this.#answer();
      const seen = this.usage.count;
      yield;
      await this.usage.after(seen, signal);
    }
  }

  close(): void {
    this.away = true;
  }

  #answer(): void {
    if (this.away) throw new OverlayError('unavailable', 'connection refused');
  }
}
