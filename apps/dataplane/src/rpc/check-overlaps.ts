import { type Cidr, cidrsOverlap } from '@overlay/allocation';
import type { BridgeHalves, ClusterNetwork, HostNetwork } from '../desired/host-description.js';
import { PrefixOwners, placePrefix } from '../desired/prefix-owners.js';
import type { FieldReader } from './field-reader.js';

/** What a description of the host says about address space. */
export interface ClaimedSpace {
  readonly vtepSubnets: readonly Cidr[];
  readonly clusterNetworks: readonly ClusterNetwork[];
  readonly networks: readonly HostNetwork[];
}

/** Notes address space that is given to two at once. A network that is being deleted may have a successor already. */
export function checkOverlaps(reader: FieldReader, space: ClaimedSpace): void {
  const subnets = new PrefixOwners<string>();
  for (const subnet of space.vtepSubnets) subnets.set(placePrefix(subnet), 'the VTEP subnet');
  for (const { name, subnets: own, standing } of space.clusterNetworks)
    if (standing === 'active') claim(reader, 'networks', subnets, own, `network ${name}`);
  const blocks = new PrefixOwners<string>();
  for (const { name, prefixes, cniBridge, dockerBridge } of space.networks) {
    claim(reader, 'assignment.networks', blocks, prefixes, `network ${name}`);
    for (const [cni, docker] of shared(cniBridge, dockerBridge)) {
      const description = `half ${cni} of ${cniBridge?.name} overlaps ${docker} of ${dockerBridge?.name}`;
      reader.violate('assignment.networks', description);
    }
  }
}

function claim(
  reader: FieldReader,
  field: string,
  owners: PrefixOwners<string>,
  prefixes: readonly Cidr[],
  owner: string,
): void {
  for (const prefix of prefixes) {
    const place = placePrefix(prefix);
    const [taken] = owners.overlapping(place);
    if (taken === undefined) owners.set(place, owner);
    else reader.violate(field, `${prefix} of ${owner} overlaps ${taken[0]} of ${taken[1]}`);
  }
}

function shared(
  cni: BridgeHalves | undefined,
  docker: BridgeHalves | undefined,
): readonly (readonly [Cidr, Cidr])[] {
  return (cni?.halves ?? []).flatMap((half) =>
    (docker?.halves ?? [])
      .filter((other) => cidrsOverlap(half, other))
      .map((other): readonly [Cidr, Cidr] => [half, other]),
  );
}
