import type { Host } from '@overlay/testbed';

const TIMEOUT_MS = 600_000;
const PROTOCOL = ['protocol', '142'];

/**
 * Removes the routes and nexthops of a host, whoever wrote them. A device or namespace that goes under them makes the
 * kernel walk all routes for each nexthop, and nobody else can change any network meanwhile: half an hour at the largest
 * sizes. (`ip route flush` cannot remove routes through nexthop objects.)
 */
export async function emptyHost(host: Host): Promise<void> {
  const list = (...args: readonly string[]) =>
    host.execOrFail(['ip', '-N', ...args, ...PROTOCOL], { timeoutMs: TIMEOUT_MS });
  for (const family of ['-4', '-6'] as const) {
    const routes = await list(family, 'route', 'show', 'table', 'all');
    await batch(host, family, planRouteRemovals(routes));
  }
  await batch(host, '-4', planNexthopRemovals(await list('nexthop', 'show')));
}

/** Lines of a batch that removes what `ip -N route show table all` lists. */
export function planRouteRemovals(listed: string): readonly string[] {
  return linesOf(listed).map((line) => {
    const [, type = '', destination = ''] = /^(?:(unreachable) )?(\S+)/.exec(line) ?? [];
    const keys = ['table', 'metric'].flatMap((key) => new RegExp(` ${key} \\d+`).exec(line) ?? []);
    return `route del ${type === '' ? '' : `${type} `}${destination}${keys.join('')}`;
  });
}

/** Lines of a batch that removes what `ip nexthop show` lists. */
export function planNexthopRemovals(listed: string): readonly string[] {
  return linesOf(listed).map((line) => `nexthop del ${/^id \d+/.exec(line)?.[0] ?? ''}`);
}

async function batch(host: Host, family: '-4' | '-6', lines: readonly string[]): Promise<void> {
  const input = lines.map((line) => `${line}\n`).join('');
  await host.exec(['ip', family, '-force', '-batch', '-'], { input, timeoutMs: TIMEOUT_MS });
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}
