import { type Cidr, parseCidr, parseIpAddress } from '@overlay/allocation';
import { isFailure } from '@overlay/failure';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import { ManualHostClock } from '../manual-host-clock.js';
import { capacityOf } from './capacity.js';
import { IpamState } from './ipam-state.js';
import { parseContainerId, parseInterfaceName } from './owner.js';
import { type AllocationRequest, planAllocation } from './plan-allocation.js';
import { planPools } from './plan-pools.js';
import { planRelease } from './plan-release.js';
import { planReservation } from './plan-reservation.js';
import type { Plan, PoolDefinition } from './records.js';
import { parseReservationName } from './reservation.js';

/** A CNI pool of network `dcos`. */
export function pool(prefixes: { subnet?: string; subnet6?: string }, networkId = 'n1'): PoolDefinition {
  const cidrs: { subnet?: Cidr; subnet6?: Cidr } = {};
  if (prefixes.subnet !== undefined) cidrs.subnet = parseCidr(prefixes.subnet);
  if (prefixes.subnet6 !== undefined) cidrs.subnet6 = parseCidr(prefixes.subnet6);
  return { networkId: parseNetworkId(networkId), network: parseNetworkName('dcos'), half: 'cni', ...cidrs };
}

/** Interface `eth0` of a container. */
export function owner(containerId: string) {
  return { containerId: parseContainerId(containerId), interface: parseInterfaceName('eth0') };
}

/** A container's request for addresses of `dcos`. */
export function request(
  containerId: string,
  requestedIps: readonly string[] = [],
  more: Partial<AllocationRequest> = {},
): AllocationRequest {
  return {
    network: 'dcos',
    half: 'cni',
    owner: owner(containerId),
    requestedIps: requestedIps.map(parseIpAddress),
    labels: {},
    nowMs: 1,
    at: new ManualHostClock().instant(),
    cooldown: COOLDOWN,
    ...more,
  };
}

/** How long and how many addresses are remembered here. */
export const COOLDOWN = { cooldownMs: 30_000, rememberedCount: 8 };

/** The allocations of one host: plans are made and carried out at once. */
export class Host {
  readonly state = new IpamState();
  readonly clock = new ManualHostClock();

  configure(...pools: readonly PoolDefinition[]): void {
    this.#perform(planPools(this.state, pools));
  }

  add(
    containerId: string,
    requestedIps: readonly string[] = [],
    more: Partial<AllocationRequest> = {},
  ): readonly string[] {
    const wish = request(containerId, requestedIps, { at: this.clock.instant(), ...more });
    const { addresses } = this.#perform(planAllocation(this.state, wish));
    return addresses.map(({ address }) => address);
  }

  del(containerId: string): readonly string[] {
    return this.#perform(
      planRelease(this.state, {
        network: 'dcos',
        half: 'cni',
        owner: owner(containerId),
        at: this.clock.instant(),
        cooldown: COOLDOWN,
      }),
    );
  }

  reserve(name: string): void {
    const wish = {
      network: 'dcos',
      half: 'cni',
      name: parseReservationName(name),
      requestedIps: [],
    } as const;
    this.#perform(planReservation(this.state, { ...wish, at: this.clock.instant(), nowMs: 1 }));
  }

  /** The IPv4 row of the capacity. */
  capacity() {
    const moment = { at: this.clock.instant(), cooldownMs: COOLDOWN.cooldownMs };
    return capacityOf(this.state, moment)[0];
  }

  #perform<T>({ mutations, answer }: Plan<T>): T {
    for (const mutation of mutations) this.state.apply(mutation);
    return answer;
  }
}

/** Why a call fails. @throws Error if it does not. */
export function failureOf(run: () => unknown): { code: string; message: string } {
  try {
    run();
  } catch (error) {
    if (isFailure(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('it did not fail');
}
