import type { NetworkId, NetworkName } from '@overlay/model';
import type { HostDescription, HostNetwork } from '../desired/host-description.js';
import { mtuMisfit } from '../desired/mtu-fit.js';
import { networkOfPrefix } from '../desired/plan-host.js';
import type { KernelObject } from '../kernel/kernel-object.js';
import { CNI_BRIDGE_PREFIX } from '../kernel/ownership.js';
import { leadsToPeer } from './plan-changes.js';
import type { ObjectFailure, Reconciler } from './reconciler.js';

/** How one network of this host stands; no error means that it is configured. */
export interface NetworkStanding {
  readonly id: NetworkId;
  readonly name: NetworkName;
  readonly error: string;
}

/** The standing of each network that this host has. Failures towards single peers do not fail a network. */
export function networkStandings(
  reconciler: Pick<Reconciler, 'host' | 'failures' | 'underlay'>,
): readonly NetworkStanding[] {
  const { host, underlay } = reconciler;
  if (host === undefined) return [];
  const failures = [...reconciler.failures.values()].filter(({ object }) => !leadsToPeer(object));
  return host.networks.map((network) => ({
    id: network.id,
    name: network.name,
    error:
      definitionError(host, network) ??
      kernelError(host, network, failures) ??
      mtuMisfit(host, underlay) ??
      '',
  }));
}

/** The network that an object belongs to; undefined for the host's own. */
export function networkOfObject(host: HostDescription, object: KernelObject): string | undefined {
  switch (object.kind) {
    case 'link':
      return networkOfDevice(host, object.name);
    case 'address':
      return networkOfDevice(host, object.device);
    case 'sysctl':
      return host.networks.find(({ name }) => object.key.includes(`/${CNI_BRIDGE_PREFIX}${name}/`))?.id;
    case 'route':
      return networkOfPrefix(host, object.prefix);
    case 'rule':
      return networkOfPrefix(host, object.source);
    case 'fdb':
    case 'neighbour':
    case 'nexthop':
    case 'nftables':
    case 'admission':
      return undefined;
  }
}

function networkOfDevice(host: HostDescription, device: string): string | undefined {
  return host.networks.find(({ name }) => `${CNI_BRIDGE_PREFIX}${name}` === device)?.id;
}

function definitionError(host: HostDescription, { id, name }: HostNetwork): string | undefined {
  switch (host.clusterNetworks.find((network) => network.id === id)?.standing) {
    case 'deleting':
      return `network ${name} is being deleted`;
    default:
      return undefined;
  }
}

function kernelError(
  host: HostDescription,
  { id }: HostNetwork,
  failures: readonly ObjectFailure[],
): string | undefined {
  const failure = failures.find(({ object }) =>
    [undefined, id].includes(networkOfObject(host, object) as never),
  );
  return failure === undefined ? undefined : `${failure.object.kind}: ${failure.error}`;
}
