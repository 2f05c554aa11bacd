import { containsAddress, type IpAddress } from '@overlay/allocation';
import type { DockerChain, KernelObject, Nexthop, Route } from '../kernel-object.js';
import { ADMISSION_TABLE } from '../ownership.js';
import { prefixOfInterface } from '../prefix-of-interface.js';
import type { FakeCabling } from './fake-cabling.js';

/** What is in a kernel in memory, as far as others need it. */
export interface KernelState {
  /** By {@link keyOf}; addresses come before what stands on them. */
  readonly objects: ReadonlyMap<string, KernelObject>;
  readonly foreignNexthops: ReadonlySet<number>;
  /** Whether the kernel has nexthop objects at all. */
  readonly nexthopObjects: boolean;
  /** Whether the kernel has IPv6 at all. */
  readonly ipv6: boolean;
  readonly dockerChains: readonly DockerChain[];
  readonly cabling: FakeCabling;
}

/** What the object needs and does not find, in the words of the kernel's tools; undefined if nothing is missing. */
export function whatIsMissing(object: KernelObject, kernel: KernelState): string | undefined {
  const { objects } = kernel;
  if (!kernel.ipv6 && isOfIpv6(object)) return 'RTNETLINK answers: Address family not supported by protocol';
  switch (object.kind) {
    case 'address':
    case 'neighbour':
    case 'fdb':
      return objects.has(`link ${object.device}`) ? undefined : `Cannot find device "${object.device}"`;
    case 'admission':
      return objects.has(`nftables inet ${ADMISSION_TABLE}`) ? undefined : 'Error: No such file or directory';
    case 'offload':
      return objects.has(`link ${object.device}`) ? undefined : 'netlink error: No such device';
    case 'port':
      return kernel.cabling.has(object.device) && objects.has(`link ${object.bridge}`)
        ? undefined
        : `Cannot find device "${object.device}"`;
    case 'docker-accept': {
      const there = kernel.dockerChains.some(
        ({ backend, family }) => backend === object.backend && family === object.family,
      );
      return there ? undefined : 'iptables-restore: line 2 failed: No chain/target/match by that name.';
    }
    case 'nexthop':
      return kernel.nexthopObjects
        ? unusableNexthop(object, kernel)
        : 'RTNETLINK answers: Operation not supported';
    case 'route':
      return unusableTarget(object, kernel);
    default:
      return undefined;
  }
}

function isOfIpv6(object: KernelObject): boolean {
  switch (object.kind) {
    case 'address':
    case 'neighbour':
      return object.address.includes(':');
    case 'nexthop':
      return object.gateway.includes(':');
    case 'route':
      return object.prefix.includes(':');
    case 'rule':
      return object.source.includes(':');
    default:
      return false;
  }
}

/** Whether an object ends with another one: what stands on a device, a nexthop's routes, a table's elements. */
export function goesWith(other: KernelObject, gone: KernelObject): boolean {
  if (gone.kind === 'nexthop')
    return other.kind === 'route' && other.target.type === 'nexthop' && other.target.id === gone.id;
  if (gone.kind === 'nftables') return gone.name === ADMISSION_TABLE && other.kind === 'admission';
  if (gone.kind !== 'link') return false;
  if (other.kind === 'port') return other.bridge === gone.name;
  if (other.kind === 'route') return other.target.type === 'gateway' && other.target.device === gone.name;
  if (other.kind === 'sysctl') return other.key.includes(`/${gone.name}/`);
  return 'device' in other && other.device === gone.name;
}

function unusableNexthop(nexthop: Nexthop, kernel: KernelState): string | undefined {
  if (!kernel.objects.has(`link ${nexthop.device}`)) return `Cannot find device "${nexthop.device}"`;
  if (isTaken(nexthop.id, kernel)) return 'RTNETLINK answers: File exists';
  return isOnLink(nexthop, kernel) ? undefined : 'Error: Nexthop has invalid gateway.';
}

function unusableTarget({ target }: Route, kernel: KernelState): string | undefined {
  if (target.type === 'gateway')
    return isOnLink(target, kernel) ? undefined : 'Error: Nexthop has invalid gateway.';
  if (target.type !== 'nexthop') return undefined;
  return isTaken(target.id, kernel) ? undefined : 'Error: Nexthop id does not exist.';
}

/** Whether there is a nexthop with that id, ours or another program's. */
function isTaken(id: number, { objects, foreignNexthops }: KernelState): boolean {
  if (foreignNexthops.has(id)) return true;
  for (const object of objects.values()) if (object.kind === 'nexthop' && object.id === id) return true;
  return false;
}

function isOnLink(
  { device, gateway }: { readonly device: string; readonly gateway: IpAddress },
  { objects }: KernelState,
): boolean {
  for (const object of objects.values())
    if (object.kind === 'address' && object.device === device)
      if (containsAddress(prefixOfInterface(object.address), gateway)) return true;
  return false;
}
