import { type FieldViolation, OverlayError } from '@overlay/failure';
import { z } from 'zod';
import type { ListenAddress } from '../listen-address.js';
import type { AddressSpaceDefinition, NetworkDefinition } from '../records.js';
import { parseServerAddress } from '../server-address.js';
import { type Configuration, defineConfiguration } from './configuration.js';
import { fromDcos } from './dcos-spelling.js';
import { booleanKey, integerKey, type LogLevel, listenKey, logLevelKey, pathKey } from './key-types.js';
import { checkListeners } from './listen-rules.js';
import { checkLog, DEFAULT_LOG_DIR, type LogConfig, logBlock, logConfigOf } from './log-block.js';
import {
  checkNetworkBlock,
  DEFAULT_NETWORK_BLOCK,
  dcosNetworkBlock,
  networkBlock,
  networkBlockOf,
} from './network-block.js';
import { valueAt } from './raw-configuration.js';
import { key, parsedText } from './schema-key.js';
import { checkTls, configuredTls, isTlsSet, type TlsFiles, tlsBlock, tlsFilesOf } from './tls-files.js';

/** Configuration of overlay-master. */
export interface MasterConfig {
  readonly listen: { readonly grpc: ListenAddress; readonly http: ListenAddress };
  /** `host:port` at which agents reach this master's gRPC listener, told to those that come to a follower. */
  readonly advertise?: string;
  readonly log: LogConfig;
  readonly addressSpace: AddressSpaceDefinition;
  /** The OUI in its configured spelling, which the state shows. */
  readonly vtepMacOuiText: string;
  readonly networks: readonly NetworkDefinition[];
  /** Agents away for longer than this many milliseconds are deleted; absent to keep them for ever. */
  readonly reclaimAgentsAfterMs?: number;
  /** TLS on every listener, mutual for gRPC; HTTP lets everybody read. Absent for plaintext. */
  readonly tls?: TlsFiles;
  /** Only the holder of a node's certificate may speak for a node. Never without {@link MasterConfig.tls}. */
  readonly nodeCertificates: boolean;
  readonly insecure: boolean;
  readonly logLevel: LogLevel;
}

const schema = z.strictObject({
  listen: z
    .strictObject({
      grpc: listenKey('Where agents, frameworks and overlayctl connect.').prefault('127.0.0.1:5060'),
      http: listenKey('Where state, metrics and the web page are.').prefault('127.0.0.1:5050'),
    })
    .prefault({}),
  advertise: key(
    'host:port, [IPv6]:port or unix:/path',
    'Address under which agents reach listen.grpc; needed with several masters if that is 0.0.0.0 or [::].',
    parsedText(parseAdvertised),
  ).optional(),
  log: logBlock(),
  replicated_log_dir: pathKey(
    "DC/OS's spelling of log.dir: the log is the folder overlay_replicated_log in it.",
  ).optional(),
  network: networkBlock(),
  dcos_overlay_network: dcosNetworkBlock(),
  reclaim_agents_after_ms: integerKey(
    60_000,
    Number.MAX_SAFE_INTEGER,
    'Deletes agents that are away for longer; what they had is kept for them for ten minutes more.',
    'milliseconds, at least a minute',
  ).optional(),
  tls: tlsBlock(
    'TLS on every listener. gRPC takes callers with a certificate only; HTTP lets everybody read (GET, HEAD) and takes all else from callers with a certificate only.',
  ),
  require_node_certificates: booleanKey(
    'Takes registrations and reports of a node only from callers whose certificate names it, as spiffe://DOMAIN/overlay/node/NODE-ID. Needs tls.',
  ).prefault(false),
  insecure: booleanKey('Allows listeners that other hosts reach without TLS.').prefault(false),
  log_level: logLevelKey(),
});

/** Configuration of overlay-master: schema, defaults and documentation. */
export const masterConfiguration: Configuration<MasterConfig> = defineConfiguration({
  app: 'overlay-master',
  schema,
  prepare: (raw) => withDefaultBlocks(fromDcos(raw, Object.keys(schema.shape))),
  check: checkMaster,
  notBare: ['network', 'dcos_overlay_network', 'log'],
  files: (raw) => [
    ...configuredTls(raw.tls, 'tls'),
    ...configuredTls(valueAt(raw, ['log', 'etcd', 'tls']), 'log.etcd.tls'),
  ],
  convert(parsed): MasterConfig {
    const tls = tlsFilesOf(parsed.tls);
    const block = parsed.dcos_overlay_network ?? parsed.network;
    return {
      listen: parsed.listen,
      ...(parsed.advertise === undefined ? {} : { advertise: parsed.advertise }),
      log: logConfigOf(parsed.log, parsed.replicated_log_dir),
      ...networkBlockOf(block ?? schema.shape.network.unwrap().parse(DEFAULT_NETWORK_BLOCK)),
      ...(parsed.reclaim_agents_after_ms === undefined
        ? {}
        : { reclaimAgentsAfterMs: parsed.reclaim_agents_after_ms }),
      ...(tls === undefined ? {} : { tls }),
      nodeCertificates: parsed.require_node_certificates,
      insecure: parsed.insecure,
      logLevel: parsed.log_level,
    };
  },
});

/** @throws OverlayError `invalid_argument` for what is no address, and for one that leads whoever calls it to himself. */
function parseAdvertised(text: string): string {
  const address = parseServerAddress(text);
  if (!/^(?:0\.0\.0\.0|\[::\]):/.test(address)) return address;
  const way = 'give the address of this machine at which they reach it';
  throw new OverlayError('invalid_argument', `"${text}" is no address that others can call; ${way}`);
}

/** The defaults that stand only where nothing else was said of the matter. */
function withDefaultBlocks(raw: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const hasNetwork = raw.network !== undefined || raw.dcos_overlay_network !== undefined;
  const hasLog = raw.log !== undefined || raw.replicated_log_dir !== undefined;
  return {
    ...raw,
    ...(hasNetwork ? {} : { network: DEFAULT_NETWORK_BLOCK }),
    ...(hasLog ? {} : { log: { dir: DEFAULT_LOG_DIR } }),
  };
}

function checkMaster(raw: Readonly<Record<string, unknown>>): readonly FieldViolation[] {
  const violations = [
    ...checkListeners(raw, true),
    ...checkLog(raw.log, raw.replicated_log_dir),
    ...checkNetworkBlock(raw.network, 'network'),
    ...checkNetworkBlock(raw.dcos_overlay_network, 'dcos_overlay_network'),
    ...checkTls(raw.tls),
  ];
  if (raw.require_node_certificates === true && !isTlsSet(raw.tls)) {
    const description = 'needs tls: without it no caller has a certificate; set tls, or leave this key out';
    violations.push({ field: 'require_node_certificates', description });
  }
  if (raw.network !== undefined && raw.dcos_overlay_network !== undefined) {
    const description = 'is the same block as network in another spelling; write one of the two';
    violations.push({ field: 'dcos_overlay_network', description });
  }
  return violations;
}
