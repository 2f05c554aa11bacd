import type { Host } from '@overlay/testbed';
import { dumpKernel } from './dump-kernel.js';

/** What a host holds of ours and beside it, with its settings, whatever the order in which it came. */
export async function stateOf(host: Host): Promise<string> {
  const keys = [
    'ipv4.ip_forward',
    'ipv4.conf.vtep1024.rp_filter',
    'ipv6.conf.all.forwarding',
    'ipv4.conf.m-dcos.forwarding',
    'ipv4.conf.vtep1024.forwarding',
    'ipv6.conf.m-dcos6.forwarding',
  ];
  const sysctls = await host.exec(['sysctl', ...keys.map((key) => `net.${key}`)]);
  const text = `${await dumpKernel(host)}\n${sysctls.stdout}`;
  return text
    .replaceAll(/^\d+: /gm, '')
    .split('\n')
    .sort()
    .join('\n');
}
