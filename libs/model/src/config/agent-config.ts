import type { IpAddress } from '@overlay/allocation';
import { parseIpAddress } from '@overlay/allocation';
import { type FieldViolation, OverlayError } from '@overlay/failure';
import { z } from 'zod';
import { forbiddenRangeAt } from '../forbidden-range.js';
import type { ListenAddress } from '../listen-address.js';
import { MTU_MAX_BYTES, MTU_MIN_BYTES, MTU_MIN_IPV6_BYTES } from '../mtu.js';
import { type Configuration, defineConfiguration } from './configuration.js';
import {
  booleanKey,
  integerKey,
  type LogLevel,
  listenKey,
  logLevelKey,
  pathKey,
  socketPathKey,
} from './key-types.js';
import { checkListeners } from './listen-rules.js';
import { type MasterAddress, parseMasterAddresses } from './master-address.js';
import { isBlock } from './raw-configuration.js';
import { key, parsedText } from './schema-key.js';
import { checkTls, configuredTls, type TlsFiles, tlsBlock, tlsFilesOf } from './tls-files.js';
import { checkUnderlayIp } from './underlay-ip.js';

/** What an agent wants in every network. */
export interface AgentNetworkConfig {
  /** False for a gateway: a VTEP and routes, no block and no bridges. */
  readonly allocateSubnet: boolean;
  readonly mesosBridge: boolean;
  readonly dockerBridge: boolean;
  readonly overlayMtuBytes: number;
  /** Longest run of one command that configures the host. */
  readonly commandTimeoutMs: number;
  readonly enableIpv6: boolean;
}

/** Configuration of overlay-agent. */
export interface AgentConfig {
  /** The masters in the order they are tried; at least one. */
  readonly masters: readonly MasterAddress[];
  /** The node's underlay address; absent: the one of the interface that routes to the master. */
  readonly ip?: IpAddress;
  readonly cniDir: string;
  readonly cniConflistDir: string;
  readonly cniDataDir: string;
  readonly cniDeletionsDir: string;
  /** Where the container runtimes find CNI plugins; the first folder that has a plugin counts. */
  readonly cniBinDirs: readonly string[];
  readonly maxConfigurationAttempts: number;
  readonly network: AgentNetworkConfig;
  /** Whether CNI and Docker have half a block each, or share the whole of it on one bridge. */
  readonly pool: 'split' | 'shared';
  readonly heartbeatMs: number;
  /** Whether a probe may run a command inside a container. */
  readonly probeCommands: boolean;
  readonly stateDir: string;
  /** Paths of the sockets of the other processes on the host. */
  readonly sockets: {
    readonly ipam: string;
    readonly ipamHttp: string;
    readonly dataplane: string;
    readonly docker: string;
  };
  readonly listen: { readonly http: ListenAddress; readonly grpc: ListenAddress };
  /** Mutual TLS towards the masters, TLS on every listener, mutual for gRPC; HTTP lets everybody read. Absent for plaintext. */
  readonly tls?: TlsFiles;
  readonly insecure: boolean;
  readonly logLevel: LogLevel;
}

/** Where CNI plugins are by custom: Mesos, CNI's own folder, distributions' packages, and DC/OS's two. */
const CNI_BIN_DIRS: readonly string[] = [
  '/opt/mesos/cni',
  '/opt/cni/bin',
  '/usr/lib/cni',
  '/usr/libexec/cni',
  '/opt/mesosphere/active/cni',
  '/opt/mesosphere/active/mesos/libexec/mesos',
];

const networkSchema = z.strictObject({
  allocate_subnet: booleanKey('false makes the host a gateway: VTEP and routes, no block.').prefault(true),
  mesos_bridge: booleanKey('Whether the host has the CNI half.').prefault(true),
  docker_bridge: booleanKey('Whether the host has the Docker half.').prefault(true),
  overlay_mtu: integerKey(MTU_MIN_BYTES, MTU_MAX_BYTES, 'MTU of bridges and containers.', 'bytes').prefault(
    1420,
  ),
  command_timeout: integerKey(100, 3_600_000, 'Longest run of one command on the host.', 'ms').prefault(
    15_000,
  ),
  enable_ipv6: booleanKey('Whether IPv6 is configured on the host.').prefault(true),
});

const masterList = z.union([z.string(), z.array(z.string())]).transform((value, context) => {
  try {
    return parseMasterAddresses(typeof value === 'string' ? value.split(',') : value);
  } catch (thrown) {
    if (!(thrown instanceof OverlayError)) throw thrown;
    context.addIssue({ code: 'custom', message: thrown.message, input: value });
    return z.NEVER;
  }
});

const schema = z.strictObject({
  master: key(
    'host:port, several separated by commas or as a list',
    'The masters, in the order they are tried.',
    masterList,
  ).prefault('127.0.0.1:5060'),
  ip: key('an IPv4 or IPv6 address', 'Underlay address of this host.', parsedText(parseUnderlayIp), {
    default: 'the address of the interface that routes to the master',
  }).optional(),
  cni_dir: pathKey('Folder of <network>.conf files for Mesos.').prefault('/var/lib/overlay/cni'),
  cni_conflist_dir: pathKey('Folder of 99-overlay-<network>.conflist files.').prefault('/etc/cni/net.d'),
  cni_data_dir: pathKey("Accepted for DC/OS's sake, not used.").prefault('/var/lib/overlay/ipam'),
  cni_deletions_dir: pathKey(
    'Folder where the CNI plugin queues deletions while overlay-ipam is down; the same as in its configuration.',
  ).prefault('/var/lib/overlay/ipam/deletions'),
  cni_bin_dir: pathKey(
    'Folder where the container runtimes find CNI plugins. If mesos-cni-port-mapper is there, the files for Mesos go through it.',
    `the usual ones: ${CNI_BIN_DIRS.join(', ')}`,
  ).optional(),
  max_configuration_attempts: integerKey(0, 10, 'How often a network is tried before it is failed.').prefault(
    4,
  ),
  network_config: networkSchema.prefault({}),
  pool: key(
    'split or shared',
    'split gives CNI and Docker half a block each. shared puts both on one bridge o-<network> with the whole block, and lets overlay-ipam give Docker its addresses, which takes overlay-docker-ipam; change it only on a host without containers.',
    z.enum(['split', 'shared']),
  ).prefault('split'),
  heartbeat_ms: integerKey(100, 600_000, 'Time between two reports to the master.', 'ms').prefault(10_000),
  probe_commands: booleanKey(
    'Allows health probes that run a command inside a Docker container; over the local socket or mutual TLS only.',
  ).prefault(false),
  state_dir: pathKey('Folder of node id, last assignment and last topology.').prefault(
    '/var/lib/overlay/agent',
  ),
  sockets: z
    .strictObject({
      ipam: socketPathKey('gRPC socket of overlay-ipam.').prefault('/run/overlay/ipam.sock'),
      ipam_http: socketPathKey('HTTP socket of overlay-ipam.').prefault('/run/overlay/ipam-http.sock'),
      dataplane: socketPathKey('gRPC socket of overlay-dataplane.').prefault('/run/overlay/dataplane.sock'),
      docker: socketPathKey('Socket of the Docker engine.').prefault('/var/run/docker.sock'),
    })
    .prefault({}),
  listen: z
    .strictObject({
      http: listenKey('Where state, health and metrics are.').prefault('127.0.0.1:5051'),
      grpc: listenKey('Where overlayctl and frameworks on the host connect.').prefault(
        'unix:/run/overlay/agent.sock',
      ),
    })
    .prefault({}),
  tls: tlsBlock(
    'Mutual TLS towards the masters, and TLS on the own listeners: gRPC takes callers with a certificate only, HTTP lets everybody read.',
  ),
  insecure: booleanKey('Allows listeners that other hosts reach without TLS.').prefault(false),
  log_level: logLevelKey(),
});

/** Configuration of overlay-agent: schema, defaults and documentation. */
export const agentConfiguration: Configuration<AgentConfig> = defineConfiguration({
  app: 'overlay-agent',
  schema,
  files: ({ tls }) => configuredTls(tls, 'tls'),
  check: (raw) => [
    ...checkListeners(raw, true),
    ...checkMtu(raw.network_config),
    ...checkPool(raw),
    ...checkCniFolders(raw),
    ...checkMasters(raw),
    ...checkTls(raw.tls),
  ],
  convert(parsed): AgentConfig {
    const tls = tlsFilesOf(parsed.tls);
    const { network_config: network, sockets } = parsed;
    return {
      masters: parsed.master,
      ...(parsed.ip === undefined ? {} : { ip: parsed.ip }),
      cniDir: parsed.cni_dir,
      cniConflistDir: parsed.cni_conflist_dir,
      cniDataDir: parsed.cni_data_dir,
      cniDeletionsDir: parsed.cni_deletions_dir,
      cniBinDirs: parsed.cni_bin_dir === undefined ? CNI_BIN_DIRS : [parsed.cni_bin_dir],
      maxConfigurationAttempts: parsed.max_configuration_attempts,
      network: {
        allocateSubnet: network.allocate_subnet,
        mesosBridge: network.mesos_bridge,
        dockerBridge: network.docker_bridge,
        overlayMtuBytes: network.overlay_mtu,
        commandTimeoutMs: network.command_timeout,
        enableIpv6: network.enable_ipv6,
      },
      pool: parsed.pool,
      heartbeatMs: parsed.heartbeat_ms,
      probeCommands: parsed.probe_commands,
      stateDir: parsed.state_dir,
      sockets: {
        ipam: sockets.ipam,
        ipamHttp: sockets.ipam_http,
        dataplane: sockets.dataplane,
        docker: sockets.docker,
      },
      listen: parsed.listen,
      ...(tls === undefined ? {} : { tls }),
      insecure: parsed.insecure,
      logLevel: parsed.log_level,
    };
  },
});

function checkMtu(raw: unknown): readonly FieldViolation[] {
  if (!isBlock(raw) || raw.enable_ipv6 === false) return [];
  const mtu = networkSchema.shape.overlay_mtu.safeParse(raw.overlay_mtu).data;
  if (mtu === undefined || mtu >= MTU_MIN_IPV6_BYTES) return [];
  const rule = `IPv6 needs ${MTU_MIN_IPV6_BYTES} bytes at least (RFC 8200)`;
  const description = `${mtu} is too small: ${rule}; raise it, or set enable_ipv6: false`;
  return [{ field: 'network_config.overlay_mtu', description }];
}

function checkPool(raw: Readonly<Record<string, unknown>>): readonly FieldViolation[] {
  const network = isBlock(raw.network_config) ? raw.network_config : {};
  if (raw.pool !== 'shared' || (network.mesos_bridge !== false && network.docker_bridge !== false)) return [];
  const description = 'shared needs both mesos_bridge and docker_bridge; switch both on, or write split';
  return [{ field: 'pool', description }];
}

/** Two names of one folder that the paths themselves show; links are the file system's. */
function checkCniFolders(raw: Readonly<Record<string, unknown>>): readonly FieldViolation[] {
  const mesos = schema.shape.cni_dir.safeParse(raw.cni_dir).data;
  const others = schema.shape.cni_conflist_dir.safeParse(raw.cni_conflist_dir).data;
  if (mesos === undefined || others === undefined || normalPath(mesos) !== normalPath(others)) return [];
  const description = `${others} is cni_dir too; give cni_dir and cni_conflist_dir a folder each`;
  return [{ field: 'cni_conflist_dir', description }];
}

/** A file that names no master is left to the start, so that the defaults, which need an address too, can be had. */
function checkMasters({ master, ip }: Readonly<Record<string, unknown>>): readonly FieldViolation[] {
  const masters = master === undefined ? undefined : schema.shape.master.safeParse(master).data;
  return masters === undefined || ip !== undefined ? [] : checkUnderlayIp(masters, undefined);
}

/** An absolute path without empty, `.` and `..` parts. */
function normalPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function parseUnderlayIp(text: string): IpAddress {
  const ip = parseIpAddress(text);
  const forbidden = forbiddenRangeAt(ip);
  if (forbidden === undefined) return ip;
  const where = `${ip} lies in ${forbidden.range}, ${forbidden.purpose}`;
  throw new OverlayError('invalid_argument', `${where}; give the address that other hosts reach this one by`);
}
