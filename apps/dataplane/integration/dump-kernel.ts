import type { Host } from '@overlay/testbed';

/** Everything that could be ours, as the tools print it. */
export async function dumpKernel(host: Host): Promise<string> {
  const lists = [
    ['ip', '-details', 'address', 'show'],
    ['ip', 'neigh', 'show', 'nud', 'permanent'],
    ['bridge', 'fdb', 'show'],
    ['ip', 'nexthop', 'show'],
    ['ip', '-4', 'route', 'show', 'table', 'all'],
    ['ip', '-6', 'route', 'show', 'table', 'all'],
    ['ip', '-4', 'rule', 'show'],
    ['ip', '-6', 'rule', 'show'],
    ['nft', 'list', 'ruleset'],
  ];
  const texts = await Promise.all(lists.map((argv) => host.execOrFail(argv)));
  const text = texts.join('\n').replaceAll(/^ +(valid_lft|.*timer).*$/gm, '');
  // What the kernel does by itself as time goes by: multicast groups and duplicate address detection.
  const routes = text.replaceAll(/^(?:anycast|local|multicast)? ?(?:fe80|ff00)::.*\n/gm, '');
  return routes.replaceAll(/^(33:33|01:00:5e).*\n/gm, '').replaceAll(/ tentative| linkdown/g, '');
}
