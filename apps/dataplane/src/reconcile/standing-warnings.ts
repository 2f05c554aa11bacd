/** What a host does without. */
export interface Shortcomings {
  /** Whether the kernel has nexthop objects; `off` if the configuration does without them. */
  readonly nexthops: boolean | 'off';
  /** Whether IPv6 is wanted and the kernel has none. */
  readonly lacksIpv6: boolean;
  /** Devices that may have lost their bridge. */
  readonly strays: readonly string[];
}

/** What works, but not as well as it could, each with the reason and the way out. */
export function standingWarnings({ nexthops, lacksIpv6, strays }: Shortcomings): readonly string[] {
  const why =
    nexthops === 'off'
      ? 'nexthop_objects is off in the configuration; set it to auto'
      : 'this kernel has no nexthop objects; use Linux 5.3 or later and a matching iproute2';
  return [
    ...(nexthops === true
      ? []
      : [`routes name their gateways themselves, which takes long with thousands of peers: ${why}`]),
    ...(lacksIpv6
      ? [
          'this kernel has no IPv6, so nothing of IPv6 works here: boot it without ipv6.disable=1, or set ' +
            "network_config.enable_ipv6 to false in the agent's configuration",
        ]
      : []),
    ...(strays.length === 0
      ? []
      : [
          `a CNI bridge was missing when this process started, and ${strays.join(', ')} had no bridge: if these ` +
            'belong to containers of the overlay, start those again',
        ]),
  ];
}
