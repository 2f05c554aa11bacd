import type { Host } from '@overlay/testbed';
import { waitUntilNo } from './wait-until.js';

/**
 * Takes from a host's kernel what a reboot would take: containers, the product's links with everything on them,
 * routes, nexthops, rules and the nftables table. Its disk stays. No process of the product may run there.
 */
export async function forgetKernelState(host: Host): Promise<void> {
  await waitUntilNo(async () => {
    const links = await linksOf(host);
    const input = links.map((name) => `link del dev ${name}\n`).join('');
    // A container's link may go with its namespace meanwhile.
    await host.exec(['ip', '-force', '-batch', '-'], { input });
    const left = await linksOf(host);
    return left.length === 0 ? undefined : `${left.join(', ')} stay`;
  });
  for (const family of ['-4', '-6']) {
    await host.execOrFail(['ip', family, 'route', 'flush', 'table', 'all', 'proto', '142']);
    await host.execOrFail(['ip', family, 'rule', 'flush', 'proto', '142']);
  }
  await host.execOrFail(['ip', 'nexthop', 'flush', 'proto', '142']);
  await host.execOrFail(['nft', 'flush', 'ruleset']);
}

/** Links of containers first, then the product's and Docker's. */
async function linksOf(host: Host): Promise<readonly string[]> {
  const links = await host.ipJson<{ readonly ifname: string }>('link');
  const names = links.map(({ ifname }) => ifname);
  const containers = names.filter((name) => /^(veth|dk-)/.test(name));
  return [...containers, ...names.filter((name) => /^(vtep1024|docker0|[md]-)/.test(name))];
}
