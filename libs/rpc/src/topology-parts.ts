import { type Peer, TopologyChange } from '@overlay/contracts';

/** Half of the 1 MiB that a frame may have. */
const PART_MAX_BYTES = 512 * 1024;
/** Tags and lengths of a change, and of a peer's own fields, at most. */
const PEER_OVERHEAD_BYTES = 32;
/** Tags and lengths of one prefix, at most. */
const PREFIX_OVERHEAD_BYTES = 10;

/**
 * Cuts changes of the topology into parts, in order, each small enough for a frame: at most so many changes, and
 * 512 KiB unless one change alone is larger. A peer carries every block of its node, so in clusters with many
 * networks bytes bound a part long before the count does.
 */
export function* topologyParts(
  changes: Iterable<TopologyChange>,
  maxChanges: number,
): Generator<TopologyChange[]> {
  let part: TopologyChange[] = [];
  let partBytes = 0;
  for (const change of changes) {
    const bytes = bytesOf(change);
    if (part.length === maxChanges || (part.length > 0 && partBytes + bytes > PART_MAX_BYTES)) {
      yield part;
      part = [];
      partBytes = 0;
    }
    part.push(change);
    partBytes += bytes;
  }
  if (part.length > 0) yield part;
}

/**
 * Bytes of a change in a frame, or slightly more: there are many peers, and encoding each to measure it would double the
 * work.
 */
function bytesOf(topologyChange: TopologyChange): number {
  const { change } = topologyChange;
  if (change?.$case === 'peer') return bytesOfPeer(change.value);
  return PEER_OVERHEAD_BYTES + TopologyChange.encode(topologyChange).finish().length;
}

/** All of a peer's texts are ASCII. */
function bytesOfPeer({ nodeId, ip, vtepIp, vtepIp6, vtepMac, prefixes }: Peer): number {
  let bytes =
    PEER_OVERHEAD_BYTES + nodeId.length + ip.length + vtepIp.length + vtepIp6.length + vtepMac.length;
  for (const { networkId, prefix } of prefixes)
    bytes += PREFIX_OVERHEAD_BYTES + networkId.length + prefix.length;
  return bytes;
}
