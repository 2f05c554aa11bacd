import { z } from 'zod';
import type { ListenAddress } from '../listen-address.js';
import { type Configuration, defineConfiguration } from './configuration.js';
import { booleanKey, integerKey, type LogLevel, listenKey, logLevelKey, pathKey } from './key-types.js';
import { checkListeners } from './listen-rules.js';

/** Configuration of overlay-ipam. */
export interface IpamConfig {
  readonly listen: {
    readonly grpc: ListenAddress;
    readonly http: ListenAddress;
    readonly metrics: ListenAddress;
  };
  readonly stateDir: string;
  /** Folder where the CNI plugin queues deletions that the daemon does not answer. */
  readonly cniDeletionsDir: string;
  /** How long an address that was given back is given out again only if nothing else is free. */
  readonly cooldownMs: number;
  /** How long a container must be gone before its addresses are released without a word from its runtime. */
  readonly collectGraceMs: number;
  readonly insecure: boolean;
  readonly logLevel: LogLevel;
}

const schema = z.strictObject({
  listen: z
    .strictObject({
      grpc: listenKey('Where the agent and frameworks connect.').prefault('unix:/run/overlay/ipam.sock'),
      http: listenKey('Where the CNI plugin and overlay-docker-ipam connect.').prefault(
        'unix:/run/overlay/ipam-http.sock',
      ),
      metrics: listenKey('Where health and metrics are.').prefault('127.0.0.1:5062'),
    })
    .prefault({}),
  state_dir: pathKey('Folder of pools and allocations.').prefault('/var/lib/overlay/ipam'),
  cni_deletions_dir: pathKey(
    'Folder where the CNI plugin queues deletions that the daemon does not answer.',
  ).prefault('/var/lib/overlay/ipam/deletions'),
  cooldown_ms: integerKey(
    0,
    86_400_000,
    'How long an address that was given back is given out again only if nothing else is free.',
    'ms',
  ).prefault(30_000),
  collect_grace_ms: integerKey(
    0,
    86_400_000,
    'How long a container must be gone before its addresses are released without a word from its runtime.',
    'ms',
  ).prefault(60_000),
  insecure: booleanKey('Allows listeners that other hosts reach, without authentication.').prefault(false),
  log_level: logLevelKey(),
});

/** Configuration of overlay-ipam: schema, defaults and documentation. */
export const ipamConfiguration: Configuration<IpamConfig> = defineConfiguration({
  app: 'overlay-ipam',
  schema,
  check: (raw) => checkListeners(raw, false),
  convert(parsed): IpamConfig {
    return {
      listen: parsed.listen,
      stateDir: parsed.state_dir,
      cniDeletionsDir: parsed.cni_deletions_dir,
      cooldownMs: parsed.cooldown_ms,
      collectGraceMs: parsed.collect_grace_ms,
      insecure: parsed.insecure,
      logLevel: parsed.log_level,
    };
  },
});
