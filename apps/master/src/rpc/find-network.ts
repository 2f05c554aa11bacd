import type { Network } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import type { Cluster } from '../cluster/cluster.js';
import { unknownNetwork } from '../cluster/unknown-network.js';
import { parseNetworkNameField } from './parse-fields.js';

/** A network by its name. @throws OverlayError `not_found`, naming those there are; `invalid_argument` without a name. */
export function findNetwork(cluster: Pick<Cluster, 'networks'>, name: string): Network {
  const network = cluster.networks().find(({ spec }) => spec?.name === name);
  if (network !== undefined) return network;
  if (name === '') throw OverlayError.invalid([{ field: 'name', description: 'is empty: name a network' }]);
  const names = cluster.networks().map(({ spec }) => spec?.name ?? '');
  throw unknownNetwork(name, names);
}

/**
 * Passes a field `network` with the name of a network that there is, and '' for all of them.
 * @throws OverlayError `invalid_argument` naming the field for what is no network's name, `not_found` for an unknown one.
 */
export function requireKnownNetwork(cluster: Pick<Cluster, 'networks'>, name: string): void {
  if (name === '') return;
  parseNetworkNameField('network', name);
  findNetwork(cluster, name);
}
