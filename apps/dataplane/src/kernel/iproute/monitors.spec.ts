import { describe, expect, it } from '@jest/globals';
import type { KernelEvent } from '../kernel-watch.js';
import { ipMonitor, nftMonitor } from './monitors.js';

/** What a monitor tells of a process that runs this script in its place. */
async function eventsOf(monitor: typeof ipMonitor, script: string): Promise<readonly KernelEvent[]> {
  const heard: KernelEvent[] = [];
  const { signal } = new AbortController();
  for await (const events of monitor(['sh', '-c', script, 'sh']).watch(signal)) heard.push(...events);
  return heard;
}

const LINK: KernelEvent = { type: 'link', device: 'vtep1024', change: 'up' };
const LOST: KernelEvent = { type: 'lost' };

describe('the monitors', () => {
  it('take a receive error of ip as a gap, also in the middle of a line', async () => {
    const script =
      'printf "[LINK]2: vtep1024: <UP"; sleep 0.1; ' +
      'echo "netlink receive error No buffer space available (105)" >&2; sleep 0.1; ' +
      'echo ",LOWER_UP> mtu 1420"';
    expect(await eventsOf(ipMonitor, script)).toEqual([LOST, LINK]);
  });

  it('pass over what nft says of the tables of others', async () => {
    const script =
      'printf "add rule inet over"; sleep 0.1; ' +
      'echo "W: Received event for an unknown set." >&2; sleep 0.1; echo "lay forward"';
    expect(await eventsOf(nftMonitor, script)).toEqual([{ type: 'nftables' }]);
  });

  it('end when the tool cannot be started or has ended', async () => {
    const { signal } = new AbortController();
    const heard: unknown[] = [];
    for await (const events of ipMonitor(['/nowhere/ip']).watch(signal)) heard.push(events);
    expect(heard).toEqual([]);
    expect(await eventsOf(ipMonitor, 'echo "Object \\"monitor\\" is unknown" >&2; exit 1')).toEqual([LOST]);
  });
});
