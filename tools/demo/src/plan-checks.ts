import {
  type Check,
  type CheckKind,
  type DemoContainer,
  type DemoHost,
  type Family,
  OUTSIDE_NAME,
} from './check.js';

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
const KINDS: readonly CheckKind[] = ['ping', 'tcp'];

/**
 * Everyone to everyone of the same network, and everyone to the outside, in every family that both ends have.
 * Inside the overlay the source address must stay; outside, it must be the host's.
 */
export function planChecks(
  containers: readonly DemoContainer[],
  hosts: readonly DemoHost[],
  outside: Readonly<Record<Family, string>>,
): readonly Check[] {
  return containers.flatMap((from) => [
    ...containers
      .filter((to) => to !== from && to.network === from.network)
      .flatMap((to) => planPair(from, to.name, to, from)),
    ...planPair(from, OUTSIDE_NAME, outside, hosts.find(({ name }) => name === from.host) ?? {}),
  ]);
}

function planPair(
  from: DemoContainer,
  to: string,
  targets: Partial<Record<Family, string>>,
  sources: Partial<Record<Family, string>>,
): readonly Check[] {
  return FAMILIES.flatMap((family) => {
    const target = targets[family];
    const expectSource = sources[family];
    if (from[family] === undefined || target === undefined || expectSource === undefined) return [];
    return KINDS.map((kind) => ({ from: from.name, to, family, kind, target, expectSource }));
  });
}
