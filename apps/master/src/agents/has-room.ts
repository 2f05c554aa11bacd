import type { Capacity } from '@overlay/contracts';
import type { HostRows } from './host-rows.js';

/**
 * True if so many containers find addresses in the half of a row: each needs one of every family of the half, so a half
 * whose IPv4 addresses are all used has no room, however many IPv6 addresses are left. A host that may be gone has none.
 * @param rows every row there is
 */
export function hasRoom(rows: HostRows<Capacity>, row: Capacity, containers: bigint): boolean {
  if (containers === 0n) return true;
  if (row.silent || row.free < containers) return false;
  for (const { row: other } of rows.after(undefined, row.agentIp)) {
    if (other.network === row.network && other.half === row.half && other.free < containers) return false;
  }
  return true;
}
