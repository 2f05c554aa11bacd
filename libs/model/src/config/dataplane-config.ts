import { z } from 'zod';
import type { ListenAddress } from '../listen-address.js';
import { type Configuration, defineConfiguration } from './configuration.js';
import { booleanKey, integerKey, type LogLevel, listenKey, logLevelKey, wordKey } from './key-types.js';
import { checkListeners } from './listen-rules.js';

/** Configuration of overlay-dataplane. */
export interface DataplaneConfig {
  readonly listen: { readonly grpc: ListenAddress; readonly metrics: ListenAddress };
  /** Shortest time between two full checks of the kernel. */
  readonly resyncMs: number;
  /** Whether checksums inside the tunnel are left for later; `auto` knows where that goes wrong. */
  readonly vxlanChecksumOffload: 'auto' | 'on' | 'off';
  /** Whether routes go through nexthop objects; `auto` where the kernel has them. */
  readonly nexthopObjects: 'auto' | 'off';
  readonly insecure: boolean;
  readonly logLevel: LogLevel;
}

const schema = z.strictObject({
  listen: z
    .strictObject({
      grpc: listenKey('Where the agent connects.').prefault('unix:/run/overlay/dataplane.sock'),
      metrics: listenKey('Where health and metrics are.').prefault('127.0.0.1:5063'),
    })
    .prefault({}),
  resync_ms: integerKey(
    100,
    86_400_000,
    'Shortest time between two full checks of the kernel; they take a twentieth of the time at most.',
    'ms',
  ).prefault(60_000),
  vxlan_checksum_offload: wordKey(
    ['auto', 'on', 'off'],
    'Whether the checksums of packets in the tunnel are left to whoever sends them on. `auto`: on, except where kernels or network cards are known to spoil them, or a test with a few peers shows that they arrive spoiled.',
  ).prefault('auto'),
  nexthop_objects: wordKey(
    ['auto', 'off'],
    'Whether routes lead through nexthop objects. `auto`: where the kernel has them. Without them thousands of peers take long.',
  ).prefault('auto'),
  insecure: booleanKey('Allows listeners that other hosts reach, without authentication.').prefault(false),
  log_level: logLevelKey(),
});

/** Configuration of overlay-dataplane: schema, defaults and documentation. */
export const dataplaneConfiguration: Configuration<DataplaneConfig> = defineConfiguration({
  app: 'overlay-dataplane',
  schema,
  check: (raw) => checkListeners(raw, false),
  convert(parsed): DataplaneConfig {
    return {
      listen: parsed.listen,
      resyncMs: parsed.resync_ms,
      vxlanChecksumOffload: parsed.vxlan_checksum_offload,
      nexthopObjects: parsed.nexthop_objects,
      insecure: parsed.insecure,
      logLevel: parsed.log_level,
    };
  },
});
