import { isFailure, OverlayError } from '@overlay/failure';
import { type MasterConfig, masterConfiguration } from '@overlay/model';
import type { OverlayLog } from '@overlay/overlay-log';

/** Which log, and what for. */
export interface MasterLogOptions {
  /** Configuration file of a master; without one the master's defaults hold. */
  readonly config: string | undefined;
  /** True to fill the log, which has to be empty or left by an interrupted import. */
  readonly writable: boolean;
}

/**
 * Opens the log that a master is configured with, runs `use`, and closes it. Reading beside a running master is
 * safe on both drivers. A folder is opened for writing only when no master has written a log there, so none is using it.
 * @throws OverlayError `invalid_argument` for a configuration that is wrong, `not_found` if there is no log to read,
 * `failed_precondition` if there is one where an empty one is wanted, and what `use` throws.
 */
export async function withMasterLog<T>(
  { config, writable }: MasterLogOptions,
  use: (log: OverlayLog) => Promise<T>,
): Promise<T> {
  // Loaded here, so that the other commands do not wait for the drivers.
  const { readConfigFile } = await import('@overlay/service');
  const { log: place } = masterConfiguration.parse(config === undefined ? {} : readConfigFile(config));
  const log = await (writable ? openForWriting(place) : openForReading(place, config));
  try {
    return await use(log);
  } finally {
    await log.close();
  }
}

async function openForReading(place: MasterConfig['log'], config: string | undefined): Promise<OverlayLog> {
  const { openEmbeddedOverlayLog, openEtcdOverlayLog } = await import('@overlay/overlay-log');
  if (place.kind === 'etcd') return openEtcdOverlayLog(etcdOptions(place));
  try {
    return await openEmbeddedOverlayLog({ dir: place.dir, readOnly: true });
  } catch (thrown) {
    if (config !== undefined || !isFailure(thrown, 'not_found')) throw thrown;
    const way = 'that is where a master without a configuration keeps it, name yours with --config FILE';
    throw new OverlayError(thrown.code, `${thrown.message}; ${way}`, { cause: thrown });
  }
}

async function openForWriting(place: MasterConfig['log']): Promise<OverlayLog> {
  const { openEmbeddedOverlayLog, openEtcdOverlayLog, requireImportable } = await import(
    '@overlay/overlay-log'
  );
  if (place.kind === 'etcd') return openEtcdOverlayLog(etcdOptions(place));
  try {
    const present = await openEmbeddedOverlayLog({ dir: place.dir, readOnly: true });
    try {
      await requireImportable(present);
    } finally {
      await present.close();
    }
  } catch (thrown) {
    if (!isFailure(thrown, 'not_found')) throw thrown;
  }
  return openEmbeddedOverlayLog({ dir: place.dir });
}

function etcdOptions({ kind: _, ...options }: Extract<MasterConfig['log'], { kind: 'etcd' }>) {
  return options;
}
