import type { OverlayLog } from '@overlay/overlay-log';
import { ClusterRecords } from './cluster-records.js';
import { PlannerState } from './planner-state.js';

/** A cluster as loaded from its log. */
export interface LoadedCluster {
  /** What the next command is planned against. */
  readonly state: PlannerState;
  /** What is committed, for reads and watchers; shares its records with the state. */
  readonly records: ClusterRecords;
  readonly revision: bigint;
}

/**
 * Recovers the cluster: loads the log and fills the pools.
 * @param quarantineMs how long what a deleted node had is kept for it.
 * @param nowMs monotonic time, from which quarantines count again.
 * @throws OverlayError what `OverlayLog.load` throws, and `data_loss` naming a value with two owners.
 */
export async function loadCluster(
  log: OverlayLog,
  quarantineMs: number,
  nowMs: number,
): Promise<LoadedCluster> {
  const { revision, records: batches } = await log.load();
  const state = new PlannerState(quarantineMs);
  const records = new ClusterRecords();
  for await (const batch of batches) {
    for (const record of batch) {
      state.records.put(record);
      records.put(record);
    }
  }
  state.finishLoading(nowMs);
  return { state, records, revision };
}
