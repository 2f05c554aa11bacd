import { parseCidr } from '@overlay/allocation';
import { AllocationHalf, type Capacity, type Container } from '@overlay/contracts';
import { containerCapacity } from '@overlay/model';
import type { DockerOverlay } from './plan-docker-network.js';

/**
 * The addresses of the Docker halves, a row for each network and family. Docker reuses an address at once and
 * reserves none. In a shared pool overlay-ipam counts; there is no row here then.
 * @param before the last rows, from which an exhaustion keeps its beginning
 * @param nowMs Unix milliseconds
 */
export function planDockerCapacity(
  overlays: readonly DockerOverlay[],
  containers: readonly Container[],
  before: readonly Capacity[],
  nowMs: number,
): readonly Capacity[] {
  return overlays
    .filter(({ pool }) => pool === 'split')
    .flatMap(({ name, subnet, subnet6 }) => {
      const own = containers.filter(({ network }) => network === name);
      const row = (family: 4 | 6, half: string, used: number): readonly Capacity[] => {
        if (half === '') return [];
        const last = before.find((one) => one.network === name && one.family === family);
        return [capacityOf(name, family, half, BigInt(used), last?.exhaustedSinceMs ?? 0n, nowMs)];
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
  half: string,
  used: bigint,
  exhaustedSinceMs: bigint,
  nowMs: number,
): Capacity {
  const total = containerCapacity(parseCidr(half));
  const free = used > total ? 0n : total - used;
  const since = exhaustedSinceMs === 0n ? BigInt(nowMs) : exhaustedSinceMs;
  return {
    network,
    half: AllocationHalf.DOCKER,
    family,
    total,
    used,
    reserved: 0n,
    cooling: 0n,
    free,
    exhaustedSinceMs: free === 0n ? since : 0n,
    agentIp: '',
    largestBurst: 0n,
    silent: false,
  };
}
