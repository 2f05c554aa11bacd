import { OverlayError } from '@overlay/failure';
import type { MasterConfig } from '@overlay/model';
import { type OverlayLog, openEmbeddedOverlayLog } from '@overlay/overlay-log';

/**
 * Opens the log that the configuration names.
 * @throws OverlayError `unimplemented` for etcd, whose driver this release does not have, and what the embedded
 * driver throws.
 */
export async function openLog(config: MasterConfig['log']): Promise<OverlayLog> {
  switch (config.kind) {
    case 'embedded':
      return openEmbeddedOverlayLog({ dir: config.dir });
    case 'etcd':
      throw new OverlayError(
        'unimplemented',
        'log.etcd: this release has the embedded log only: set log.dir',
      );
  }
}
