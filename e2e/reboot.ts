import type { Host } from '@overlay/testbed';

/**
 * Takes from a host's kernel what a reboot would take: containers, the product's links with everything on them,
 * routes, nexthops, rules and the nftables table. Its disk stays. No process of the product may run there.
 */
export async function forgetKernelState(host: Host): Promise<void> {
  const links = await host.ipJson<{ readonly ifname: string }>('link');
  const ours = links.map(({ ifname }) => ifname).filter((name) => /^(vtep1024|docker0|[md]-)/.test(name));
  const containers = links.map(({ ifname }) => ifname).filter((name) => /^(veth|dk-)/.test(name));
  await host.ip(...[...containers, ...ours].map((name) => `link del dev ${name}`));
  for (const family of ['-4', '-6']) {
    await host.execOrFail(['ip', family, 'route', 'flush', 'table', 'all', 'proto', '142']);
    await host.execOrFail(['ip', family, 'rule', 'flush', 'proto', '142']);
  }
  await host.execOrFail(['ip', 'nexthop', 'flush', 'proto', '142']);
  await host.execOrFail(['nft', 'flush', 'ruleset']);
}
