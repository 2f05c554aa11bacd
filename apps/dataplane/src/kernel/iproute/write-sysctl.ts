import type { Sysctl } from '../kernel-object.js';
import type { SysctlFiles } from './sysctl-files.js';

const FORWARDING6 = 'net/ipv6/conf/all/forwarding';
const NOT_INTERFACES = new Set(['all', 'default', 'lo']);

/** Writes a sysctl. Before IPv6 forwarding goes on, `accept_ra` of every interface is raised from 1 to 2. */
export async function writeSysctl(files: SysctlFiles, { key, value }: Sysctl): Promise<void> {
  if (key === FORWARDING6 && value === '1') await keepRouterAdvertisements(files);
  await files.write(key, value);
}

/** Gives a setting of a device the default of devices again (`net/ipv6/conf/default`). */
export async function resetSysctl(files: SysctlFiles, { key }: Sysctl): Promise<void> {
  const value = await files.read(key.replace(/\/conf\/[^/]+\//, '/conf/default/'));
  if (value !== undefined) await files.write(key, value);
}

/**
 * With forwarding on, `accept_ra=1` means no: the host would lose a default route that it has from a router's
 * advertisement. 2 means yes, although forwarding (kernel, networking/ip-sysctl). Interfaces that come later
 * keep the kernel's default, so that no container can advertise itself to its host.
 */
async function keepRouterAdvertisements(files: SysctlFiles): Promise<void> {
  const interfaces = await files.list('net/ipv6/conf');
  for (const name of interfaces.filter((entry) => !NOT_INTERFACES.has(entry))) {
    const key = `net/ipv6/conf/${name}/accept_ra`;
    if ((await files.read(key)) === '1') await files.write(key, '2');
  }
}
