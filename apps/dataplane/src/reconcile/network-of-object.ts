import { containsCidr } from '@overlay/allocation';
import type { ClusterNetwork, HostDescription } from '../desired/host-description.js';
import { networkOfPrefix } from '../desired/plan-host.js';
import type { KernelObject, Link } from '../kernel/kernel-object.js';
import { ALIAS_PREFIX, DOCKER_BRIDGE_PREFIX, ownBridgeNames } from '../kernel/ownership.js';

/** The network that an object belongs to; undefined for the host's own. */
export function networkOfObject(host: HostDescription, object: KernelObject): string | undefined {
  switch (object.kind) {
    case 'link':
      return networkOfDevice(host, object.name) ?? networkOfAlias(host, object);
    case 'address':
      return networkOfDevice(host, object.device);
    case 'sysctl':
      return host.networks.find(({ name }) =>
        [...ownBridgeNames(name), `${DOCKER_BRIDGE_PREFIX}${name}`].some((bridge) =>
          object.key.includes(`/${bridge}/`),
        ),
      )?.id;
    case 'route':
      return networkOfPrefix(host, object.prefix);
    case 'rule':
      return networkOfPrefix(host, object.source);
    case 'port':
      return networkOfDevice(host, object.bridge);
    case 'docker-accept': {
      const [, subnet] = /^-[sd] (\S+)/.exec(object.rule) ?? [];
      return host.clusterNetworks.find(({ subnets }) => subnets.some((own) => own === subnet))?.id;
    }
    case 'offload':
    case 'fdb':
    case 'neighbour':
    case 'nexthop':
    case 'nftables':
    case 'admission':
      return undefined;
  }
}

/** Whether an object is a route into a network that is being deleted, and into none that stays. */
export function isOfDeletedNetwork({ clusterNetworks }: HostDescription, object: KernelObject): boolean {
  if (object.kind !== 'route') return false;
  const holds = ({ subnets }: ClusterNetwork) =>
    subnets.some((subnet) => containsCidr(subnet, object.prefix));
  const holding = clusterNetworks.filter(holds);
  return holding.length > 0 && holding.every(({ standing }) => standing === 'deleting');
}

/** Of a bridge that has another name than it should have. */
function networkOfAlias(host: HostDescription, link: Link): string | undefined {
  if (link.type !== 'bridge') return undefined;
  return host.networks.find(({ id }) => link.alias === `${ALIAS_PREFIX}${id}`)?.id;
}

function networkOfDevice(host: HostDescription, device: string): string | undefined {
  return host.networks.find(({ name }) => ownBridgeNames(name).includes(device))?.id;
}
