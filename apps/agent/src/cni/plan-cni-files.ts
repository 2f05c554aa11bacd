import type { AgentNetwork } from '@overlay/contracts';
import type { AgentConfig } from '@overlay/model';
import type { CniFile } from './cni-directory.js';
import { IPAM_PLUGIN, PORT_MAPPER_PLUGIN } from './cni-ownership.js';

/** The files of one network: one for Mesos, one for everybody else. */
export interface NetworkCniFiles {
  /** `<network>.conf`, CNI 0.2.0, a single plugin: Mesos skips lists and reads results up to 0.2.0 only. */
  readonly mesos: CniFile;
  /**
   * `99-overlay-<network>.conflist`, CNI 1.0.0, with port mappings and wanted addresses; sorts behind a host's default
   * network.
   */
  readonly conflist: CniFile;
}

/** What of the agent's configuration stands in the files. */
export type CniFileSettings = Pick<AgentConfig, 'cniDeletionsDir'> & {
  readonly network: Pick<AgentConfig['network'], 'overlayMtuBytes'>;
  readonly sockets: Pick<AgentConfig['sockets'], 'ipamHttp'>;
};

/**
 * The CNI files of a network; undefined for a network without a CNI half or a name.
 * @param portMapper the host has {@link PORT_MAPPER_PLUGIN}: the file for Mesos goes through it
 */
export function planCniFiles(
  network: AgentNetwork,
  settings: CniFileSettings,
  portMapper: boolean,
): NetworkCniFiles | undefined {
  const name = network.network?.name;
  const bridge = network.cniBridge?.name;
  if (name === undefined || name === '' || bridge === undefined) return undefined;
  const plugin = bridgePlugin(bridge, settings);
  const portmap = { type: 'portmap', capabilities: { portMappings: true } };
  // Of what a runtime is asked for it hands over only what a plugin says it takes: here, wanted addresses.
  const withIps = { ...plugin, capabilities: { ips: true } };
  return {
    mesos: { name: `${name}.conf`, content: render(mesosConfiguration(name, bridge, plugin, portMapper)) },
    conflist: {
      name: `99-overlay-${name}.conflist`,
      content: render({ cniVersion: '1.0.0', name, plugins: [withIps, portmap] }),
    },
  };
}

/**
 * One plugin, for Mesos reads no lists. The port mapper delegates to it, in a chain of iptables of its own as DC/OS
 * names it, and leaves out packets from the bridge itself. It passes on neither name nor version in all its versions.
 */
function mesosConfiguration(name: string, bridge: string, plugin: object, portMapper: boolean): object {
  const single = { cniVersion: '0.2.0', name, ...plugin };
  if (!portMapper) return single;
  const chain = `M-${name.toUpperCase()}`;
  return {
    cniVersion: '0.2.0',
    name,
    type: PORT_MAPPER_PLUGIN,
    excludeDevices: [bridge],
    chain,
    delegate: single,
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
