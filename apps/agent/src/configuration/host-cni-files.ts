import type { AgentNetwork } from '@overlay/contracts';
import type { AgentConfig } from '@overlay/model';
import type { CniDirectory, CniFile } from '../cni/cni-directory.js';
import { PORT_MAPPER_PLUGIN } from '../cni/cni-ownership.js';
import type { CniPluginFolders } from '../cni/cni-plugin-folders.js';
import { type NetworkCniFiles, planCniFiles } from '../cni/plan-cni-files.js';
import { cniHalfOf } from './cni-half.js';

/** Where the runtimes of a host look for networks and plugins. */
export interface CniPorts {
  /** Files for Mesos. */
  readonly mesosFiles: CniDirectory;
  /** Files for every other runtime. */
  readonly conflists: CniDirectory;
  /** Where the runtimes find plugins; absent if that is of no interest. */
  readonly plugins?: CniPluginFolders;
}

/** The files of one network that has a CNI half here. */
export interface PlannedCniFiles {
  readonly network: AgentNetwork;
  readonly files: NetworkCniFiles;
}

/** Plans the files of those networks that have a CNI half on this host, for the plugins that it has at the moment. */
export async function planHostCniFiles(
  networks: readonly AgentNetwork[],
  config: AgentConfig,
  { plugins }: CniPorts,
): Promise<readonly PlannedCniFiles[]> {
  const portMapper = (await plugins?.has(PORT_MAPPER_PLUGIN)) ?? false;
  return networks.flatMap((network) => {
    if (cniHalfOf(network, config.network) === undefined) return [];
    const files = planCniFiles(network, config, portMapper);
    return files === undefined ? [] : [{ network, files }];
  });
}

/** The two folders, and which of a network's files is for each. */
export function cniFolders({ mesosFiles, conflists }: CniPorts): readonly {
  readonly directory: CniDirectory;
  readonly fileOf: (files: NetworkCniFiles) => CniFile;
}[] {
  return [
    { directory: mesosFiles, fileOf: (files) => files.mesos },
    { directory: conflists, fileOf: (files) => files.conflist },
  ];
}

/**
 * Whether a file of one of these networks, which are configured, is missing or not as it would be written now: somebody
 * removed or changed it, or the port mapper came or went. Reads only.
 * @throws OverlayError if a folder cannot be read.
 */
export async function cniFilesDiffer(
  networks: readonly AgentNetwork[],
  config: AgentConfig,
  ports: CniPorts,
): Promise<boolean> {
  const planned = await planHostCniFiles(networks, config, ports);
  for (const { directory, fileOf } of cniFolders(ports)) {
    const found = new Map((await directory.list()).map(({ name, content }) => [name, content]));
    const wanted = planned.map(({ files }) => fileOf(files));
    if (wanted.some(({ name, content }) => found.get(name) !== content)) return true;
  }
  return false;
}
