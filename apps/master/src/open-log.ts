import type { MasterConfig } from '@overlay/model';
import { type OverlayLog, openEmbeddedOverlayLog, openEtcdOverlayLog } from '@overlay/overlay-log';

/**
 * Opens the log that the configuration names. An etcd that cannot be reached is no error here: the log's calls
 * wait for it.
 * @throws OverlayError what the drivers throw for a folder or a setting that cannot be used.
 */
export async function openLog(config: MasterConfig['log']): Promise<OverlayLog> {
  switch (config.kind) {
    case 'embedded':
      return openEmbeddedOverlayLog({ dir: config.dir });
    case 'etcd': {
      const { kind: _, ...options } = config;
      return openEtcdOverlayLog(options);
    }
  }
}
