import type { CniFile } from './cni-directory.js';

/** The IPAM plugin that our configurations delegate to. */
export const IPAM_PLUGIN = 'overlay-ipam';

/** Mesos' plugin that publishes ports of a container on its host (Mesos, docs/cni.md). */
export const PORT_MAPPER_PLUGIN = 'mesos-cni-port-mapper';

/** What we write into a folder: files for Mesos, or configuration lists for everybody else. */
export type CniFileKind = 'mesos' | 'conflist';

const NAMES = { mesos: /^(.+)\.conf$/, conflist: /^99-overlay-(.+)\.conflist$/ } as const;

/** Keys that some version wrote into each object; a file with any other has been made or changed by somebody else. */
const KEYS = {
  list: ['cniVersion', 'name', 'plugins'],
  portMapper: ['cniVersion', 'name', 'type', 'excludeDevices', 'chain', 'delegate'],
  bridge: [
    'cniVersion',
    'name',
    'type',
    'bridge',
    'isGateway',
    'isDefaultGateway',
    'forceAddress',
    'ipMasq',
    'hairpinMode',
    'promiscMode',
    'mtu',
    'ipam',
    'capabilities',
  ],
  ipam: ['type', 'socket', 'deletions_dir'],
  portmap: ['type', 'capabilities'],
} as const;

/** Whether a file of ours could have that name. */
export function isOurCniFileName(kind: CniFileKind, name: string): boolean {
  return NAMES[kind].test(name);
}

/**
 * Whether a file is one that this agent wrote, in this version or an earlier one: it has the name that we give the file
 * of its network, and holds what we write and nothing else. That another configuration takes its addresses from our IPAM
 * plugin, or that a file of ours was changed by hand, makes it somebody else's.
 */
export function isOurCniFile(kind: CniFileKind, { name, content }: CniFile): boolean {
  const network = NAMES[kind].exec(name)?.[1];
  const parsed = parse(content);
  if (network === undefined || parsed?.name !== network) return false;
  if (kind === 'conflist') {
    const { plugins } = parsed;
    if (!hasOnly(parsed, KEYS.list) || !Array.isArray(plugins) || plugins.length !== 2) return false;
    const [bridge, portmap] = plugins.map(asObject);
    return isOurBridge(bridge, network) && portmap?.type === 'portmap' && hasOnly(portmap, KEYS.portmap);
  }
  if (parsed.type !== PORT_MAPPER_PLUGIN) return isOurBridge(parsed, network);
  return hasOnly(parsed, KEYS.portMapper) && isOurBridge(asObject(parsed.delegate), network);
}

type JsonObject = Readonly<Record<string, unknown>>;

function isOurBridge(plugin: JsonObject | undefined, network: string): boolean {
  if (plugin?.type !== 'bridge' || !hasOnly(plugin, KEYS.bridge)) return false;
  const ipam = asObject(plugin.ipam);
  // m- is the bridge of the CNI half, o- that of a shared block.
  const isOurs = plugin.bridge === `m-${network}` || plugin.bridge === `o-${network}`;
  return isOurs && ipam?.type === IPAM_PLUGIN && hasOnly(ipam, KEYS.ipam);
}

function hasOnly(value: JsonObject, keys: readonly string[]): boolean {
  return Object.keys(value).every((key) => keys.includes(key));
}

function parse(content: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(content));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : undefined;
}
