import { type KernelObject, keyOf, type Sysctl } from '../kernel/kernel-object.js';
import type { KernelSnapshot } from '../kernel/kernel-tables.js';
import { DOCKER_BRIDGE_PREFIX } from '../kernel/ownership.js';
import { activeNetworks, type HostDescription } from './host-description.js';

/**
 * Docker gives its bridge the gateway address with duplicate address detection, which starts with the first
 * container: for 2 s the kernel answers nobody there (net.ipv6.conf, `dad_transmits` and the delay before it).
 */
const NAMES = ['dad_transmits', 'router_solicitation_delay'] as const;
const VALUE = '0';
const KEY = new RegExp(`^net/ipv6/conf/${DOCKER_BRIDGE_PREFIX}[^/]+/(?:${NAMES.join('|')})$`);

/** Names of Docker's bridges of this host's networks, of deleted ones too. */
export function dockerBridgeNames(host: HostDescription): readonly string[] {
  return host.networks.flatMap(({ dockerBridge }) => (dockerBridge === undefined ? [] : [dockerBridge.name]));
}

/** The settings of Docker's bridges of this host's networks, whether they are wanted or not. */
export function dockerSettings(host: HostDescription): readonly Sysctl[] {
  return dockerBridgeNames(host).flatMap(settingsOf);
}

/** The settings that Docker's bridges shall have as soon as they are there. */
export function planDockerSettings(host: HostDescription): readonly Sysctl[] {
  if (!host.enableIpv6 || !host.configureDockerBridges) return [];
  const active = new Set(activeNetworks(host).map(({ id }) => id));
  return host.networks.flatMap(({ id, dockerBridge }) =>
    active.has(id) && dockerBridge?.halves.some((half) => half.includes(':'))
      ? settingsOf(dockerBridge.name)
      : [],
  );
}

/** Of these, the ones of bridges that are there, by what was read. */
export function dockerSettingsAmong(
  host: HostDescription,
  { objects }: Pick<KernelSnapshot, 'objects'>,
): readonly Sysctl[] {
  const there = new Set(objects.filter(isDockerSetting).map(keyOf));
  return planDockerSettings(host).filter((setting) => there.has(keyOf(setting)));
}

/** Whether this is a setting of a bridge of Docker's that we may have made: unwanted it gets the default again. */
export function isDockerSetting(object: KernelObject): boolean {
  return object.kind === 'sysctl' && KEY.test(object.key);
}

/** Whether such a setting is as we write it. */
export function isOurDockerSetting(object: KernelObject): boolean {
  return object.kind === 'sysctl' && KEY.test(object.key) && object.value === VALUE;
}

function settingsOf(device: string): readonly Sysctl[] {
  return NAMES.map((name) => ({ kind: 'sysctl', key: `net/ipv6/conf/${device}/${name}`, value: VALUE }));
}
