import { setImmediate } from 'node:timers/promises';
import { OverlayError } from '@overlay/failure';
import { type LogPosition, type OverlayLog, unfinishedImport } from '@overlay/overlay-log';
import { unlessAborted, until } from '@overlay/rpc';
import { ClusterRecords } from './cluster-records.js';
import { PlannerState } from './planner-state.js';

/** A cluster as loaded from its log, at its last commit. */
export interface LoadedCluster extends LogPosition {
  /** What the next command is planned against. */
  readonly state: PlannerState;
  /** What is committed, for reads and watchers; shares its records with the state. */
  readonly records: ClusterRecords;
}

/**
 * Recovers the cluster: loads the log and fills the pools.
 * @param quarantineMs how long what a deleted node had is kept for it.
 * @param nowMs monotonic time, from which quarantines count again.
 * @param signal calls the recovery off, also while the log is waited for.
 * @throws OverlayError what `OverlayLog.load` throws, `data_loss` naming a value with two owners,
 * `failed_precondition` for a log that an interrupted import left, and `aborted` if it was called off.
 */
export async function loadCluster(
  log: OverlayLog,
  quarantineMs: number,
  nowMs: number,
  signal?: AbortSignal,
): Promise<LoadedCluster> {
  const loaded = await (signal === undefined ? log.load() : unlessAborted(log.load(), signal));
  if (loaded === undefined) throw calledOff();
  const { revision, term, records: batches } = loaded;
  const state = new PlannerState(quarantineMs, log);
  const records = new ClusterRecords();
  let empty = true;
  for await (const batch of signal === undefined ? batches : until(batches, signal)) {
    // A large log takes seconds: probes, elections and the signal have their turn in between.
    await setImmediate();
    empty &&= batch.length === 0;
    for (const record of batch) {
      state.records.put(record);
      records.put(record);
    }
  }
  if (signal?.aborted) throw calledOff();
  // The first commit of the first master writes the address space, so nothing else can be without it.
  if (!empty && records.addressSpace === undefined) throw unfinishedImport();
  state.finishLoading(nowMs);
  return { state, records, revision, term };
}

function calledOff(): OverlayError {
  return new OverlayError('aborted', 'the recovery of the log was called off');
}
