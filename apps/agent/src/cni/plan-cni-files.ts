import type { AgentNetwork } from '@overlay/contracts';
import type { AgentConfig } from '@overlay/model';
import type { CniFile } from './cni-directory.js';
import { IPAM_PLUGIN } from './cni-ownership.js';

/** The files of one network: one for Mesos, one for everybody else. */
export interface NetworkCniFiles {
  /** `<network>.conf`, CNI 0.2.0, a single plugin: Mesos skips lists and reads results up to 0.2.0 only. */
  readonly mesos: CniFile;
  /** `99-overlay-<network>.conflist`, CNI 1.0.0, with port mappings; sorts behind a host's default network. */
  readonly conflist: CniFile;
}

/** What of the agent's configuration stands in the files. */
export type CniFileSettings = Pick<AgentConfig, 'cniDeletionsDir'> & {
  readonly network: Pick<AgentConfig['network'], 'overlayMtuBytes'>;
  readonly sockets: Pick<AgentConfig['sockets'], 'ipamHttp'>;
};

/** The CNI files of a network; undefined for a network without a CNI half or a name. */
export function planCniFiles(network: AgentNetwork, settings: CniFileSettings): NetworkCniFiles | undefined {
  const name = network.network?.name;
  const bridge = network.cniBridge?.name;
  if (name === undefined || name === '' || bridge === undefined) return undefined;
  const plugin = bridgePlugin(bridge, settings);
  const portmap = { type: 'portmap', capabilities: { portMappings: true } };
  return {
    mesos: { name: `${name}.conf`, content: render({ cniVersion: '0.2.0', name, ...plugin }) },
    conflist: {
      name: `99-overlay-${name}.conflist`,
      content: render({ cniVersion: '1.0.0', name, plugins: [plugin, portmap] }),
    },
  };
}

/**
 * The standard `bridge` plugin on a bridge that exists already. It finds the bridge by name and leaves its MTU
 * alone; with `isGateway` false it gives it neither an address nor, with the address, another MAC, and the
 * container's routes come from the IPAM result. Masquerade and forwarding are overlay-dataplane's. Hairpin lets
 * a container reach itself through a published port.
 */
function bridgePlugin(bridge: string, settings: CniFileSettings) {
  return {
    type: 'bridge',
    bridge,
    isGateway: false,
    isDefaultGateway: false,
    forceAddress: false,
    ipMasq: false,
    hairpinMode: true,
    promiscMode: false,
    mtu: settings.network.overlayMtuBytes,
    ipam: {
      type: IPAM_PLUGIN,
      socket: settings.sockets.ipamHttp,
      deletions_dir: settings.cniDeletionsDir,
    },
  };
}

function render(configuration: object): string {
  return `${JSON.stringify(configuration, undefined, 2)}\n`;
}
