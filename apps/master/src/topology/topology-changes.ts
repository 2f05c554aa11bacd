import type { AddressSpace, TopologyChange } from '@overlay/contracts';
import type { AddressSpaceDefinition, LogRecord, LogRecordRef, Mutation } from '@overlay/model';
import { toNetwork, toPeer } from '../rpc/to-messages.js';

/** Renders the address space as watchers see it. */
export type RenderAddressSpace = (space: AddressSpaceDefinition) => AddressSpace;

/** What watchers of the topology learn of a commit, in order; empty if nothing concerns them. */
export function topologyChangesOf(
  mutations: readonly Mutation[],
  renderAddressSpace: RenderAddressSpace,
): readonly TopologyChange[] {
  return mutations
    .map((mutation) =>
      mutation.op === 'delete' ? removal(mutation.ref) : changeOfRecord(mutation.record, renderAddressSpace),
    )
    .filter((change) => change !== undefined);
}

/** A record as watchers see it; undefined for claims. */
export function changeOfRecord(
  record: LogRecord,
  renderAddressSpace: RenderAddressSpace,
): TopologyChange | undefined {
  switch (record.kind) {
    case 'address-space':
      return { change: { $case: 'addressSpace', value: renderAddressSpace(record.addressSpace) } };
    case 'network':
      return record.network.phase === 'deleted'
        ? { change: { $case: 'removedNetworkId', value: record.network.id } }
        : { change: { $case: 'network', value: toNetwork(record.network) } };
    case 'node':
      return { change: { $case: 'peer', value: toPeer(record.node) } };
    case 'former-node':
    case 'claim':
      return undefined;
  }
}

function removal(ref: LogRecordRef): TopologyChange | undefined {
  switch (ref.kind) {
    case 'network':
      return { change: { $case: 'removedNetworkId', value: ref.id } };
    case 'node':
      return { change: { $case: 'removedNodeId', value: ref.id } };
    case 'address-space':
    case 'former-node':
    case 'claim':
      return undefined;
  }
}
