import type { Allocation, Container } from '@overlay/contracts';

/** The host's containers out of overlay-ipam's allocations. The master fills the agent's address in. */
export function planContainers(allocations: readonly Allocation[]): readonly Container[] {
  return allocations.flatMap(({ owner, network, half, addresses, labels }) => {
    if (owner === undefined) return [];
    const ips = addresses.map(({ address }) => address.split('/')[0] ?? '');
    return [
      {
        containerId: owner.containerId,
        interface: owner.interface,
        network,
        half,
        ip: ips.find((ip) => !ip.includes(':')) ?? '',
        ip6: ips.find((ip) => ip.includes(':')) ?? '',
        agentIp: '',
        labels,
      },
    ];
  });
}
