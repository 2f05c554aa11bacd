import { parseCidr } from '@overlay/allocation';
import { AllocationHalf, type Capacity, type Container } from '@overlay/contracts';
import { containerCapacity } from '@overlay/model';
import { subnetFor } from './compare-docker-network.js';
import type { DockerNetwork } from './docker-networks.js';
import type { DockerOverlay } from './plan-docker-network.js';

/**
 * The addresses of the Docker halves, a row for each network and family. Docker reuses an address at once; reserved are
 * those that were set aside when the network was made. A half that the network in Docker does not have, because it
 * has to be made anew and cannot yet, has no row. In a shared pool overlay-ipam counts; there is no row here then.
 * @param standing the network in Docker by id of the overlay network
 * @param before the last rows, from which an exhaustion keeps its beginning
 * @param nowMs Unix milliseconds
 */
export function planDockerCapacity(
  overlays: readonly DockerOverlay[],
  standing: ReadonlyMap<string, Pick<DockerNetwork, 'subnets'>>,
  containers: readonly Container[],
  before: readonly Capacity[],
  nowMs: number,
): readonly Capacity[] {
  return overlays
    .filter(({ pool }) => pool === 'split')
    .flatMap(({ networkId, name, subnet, subnet6 }) => {
      const network = standing.get(networkId) ?? { subnets: [] };
      const own = containers.filter(({ network }) => network === name);
      const row = (family: 4 | 6, half: string, used: number): readonly Capacity[] => {
        const stands = half === '' ? undefined : subnetFor(network, half);
        if (stands === undefined) return [];
        const reserved = BigInt(stands.setAside.length);
        const last = before.find((one) => one.network === name && one.family === family);
        const counts = { total: containerCapacity(parseCidr(half)), used: BigInt(used), reserved };
        return [capacityOf(name, family, counts, last?.exhaustedSinceMs ?? 0n, nowMs)];
      };
      const rows = [
        ...row(4, subnet, own.filter(({ ip }) => ip !== '').length),
        ...row(6, subnet6, own.filter(({ ip6 }) => ip6 !== '').length),
      ];
      return rows.map((one) => ({ ...one, largestBurst: leastFree(rows) }));
    });
}

/** Each container needs an address of every family. */
function leastFree(rows: readonly Capacity[]): bigint {
  let least = rows[0]?.free ?? 0n;
  for (const { free } of rows) if (free < least) least = free;
  return least;
}

function capacityOf(
  network: string,
  family: 4 | 6,
  { total, used, reserved }: Pick<Capacity, 'total' | 'used' | 'reserved'>,
  exhaustedSinceMs: bigint,
  nowMs: number,
): Capacity {
  const free = used + reserved > total ? 0n : total - used - reserved;
  const since = exhaustedSinceMs === 0n ? BigInt(nowMs) : exhaustedSinceMs;
  return {
    network,
    half: AllocationHalf.DOCKER,
    family,
    total,
    used,
    reserved,
    cooling: 0n,
    free,
    exhaustedSinceMs: free === 0n ? since : 0n,
    agentIp: '',
    largestBurst: 0n,
    silent: false,
  };
}
