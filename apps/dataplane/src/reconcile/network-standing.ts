import type { NetworkId, NetworkName } from '@overlay/model';
import type { HostDescription, HostNetwork } from '../desired/host-description.js';
import { mtuMisfit, type UnderlayLink } from '../desired/mtu-fit.js';
import { networkOfObject } from './network-of-object.js';
import type { ObjectFailure } from './object-failure.js';
import { leadsToPeer } from './plan-changes.js';

/** How one network of this host stands; no error means that it is configured. */
export interface NetworkStanding {
  readonly id: NetworkId;
  readonly name: NetworkName;
  readonly error: string;
}

/** What the standing of networks depends on. */
export interface StandingFacts {
  readonly host: HostDescription | undefined;
  /** Objects that could not be written, by key. */
  readonly failures: ReadonlyMap<string, ObjectFailure>;
  readonly underlay: UnderlayLink | undefined;
  /** Why nothing could be compared with the kernel: what was asked for last may not be there. */
  readonly unreadable: string | undefined;
}

/** The standing of each network that this host has. Failures towards single peers do not fail a network. */
export function networkStandings(facts: StandingFacts): readonly NetworkStanding[] {
  const { host, underlay, unreadable } = facts;
  if (host === undefined) return [];
  const failures = [...facts.failures.values()].filter(({ object }) => !leadsToPeer(object));
  return host.networks.map((network) => ({
    id: network.id,
    name: network.name,
    error:
      definitionError(host, network) ??
      (unreadable === undefined ? undefined : `the kernel cannot be read: ${unreadable}`) ??
      kernelError(host, network, failures) ??
      underlayError(host, underlay) ??
      mtuMisfit(host, underlay) ??
      '',
  }));
}

function definitionError(host: HostDescription, { id, name }: HostNetwork): string | undefined {
  switch (host.clusterNetworks.find((network) => network.id === id)?.standing) {
    case 'deleting':
      return `network ${name} is being deleted`;
    default:
      return undefined;
  }
}

/** The kernel sends no tunnel packet from an address that the host does not have. */
function underlayError({ ip }: HostDescription, underlay: UnderlayLink | undefined): string | undefined {
  if (underlay !== undefined) return undefined;
  return `no interface has the underlay address ${ip}: give it to one, or correct \`ip\` in the agent's configuration`;
}

function kernelError(
  host: HostDescription,
  { id }: HostNetwork,
  failures: readonly ObjectFailure[],
): string | undefined {
  const failure = failures.find(({ object }) => {
    const network = networkOfObject(host, object);
    return network === undefined || network === id;
  });
  return failure === undefined ? undefined : `${failure.object.kind}: ${failure.error}`;
}
