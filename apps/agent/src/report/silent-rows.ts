import type { Capacity } from '@overlay/contracts';

/** Rows of a daemon that has not answered for long: nobody gets the addresses that are left there. */
export function silentRows(rows: readonly Capacity[]): readonly Capacity[] {
  return rows.map((row) => ({ ...row, silent: true }));
}
