import { formatPrefix, type Prefix, parsePrefix, prefixSize } from '../address/prefix.js';
import type { ClusterView, NetworkView } from '../state/cluster-view.js';

/** A part of a strip. */
export interface SpaceCell {
  /** Share of its addresses that is in taken blocks, 0 to 1. */
  readonly taken: number;
  /** True if a block in it belongs to an agent on which the network failed. */
  readonly failed: boolean;
}

/** A row of equal cells that together show a range of addresses. */
export interface SpaceStrip {
  /** The range, for example `9.0.0.0/8`. */
  readonly range: string;
  readonly cells: readonly SpaceCell[];
}

/** The address space of one network and family. */
export interface SpacePicture {
  readonly network: string;
  readonly subnet: string;
  readonly blockLength: number;
  /** Blocks that agents have. */
  readonly taken: number;
  /** Blocks that there are. */
  readonly total: bigint;
  /** The whole subnet first; then the part of it that is in use, where that is small enough to be drawn larger. */
  readonly strips: readonly SpaceStrip[];
}

interface Block {
  readonly prefix: Prefix;
  readonly failed: boolean;
}

const MAX_CELL_BITS = 7;
/** The enlarged part shows at least so many blocks (as bits), that the neighbourhood of the taken ones is seen. */
const MIN_DETAIL_BITS = 5;
/** An enlargement below this many doublings shows nothing new. */
const MIN_ENLARGEMENT_BITS = 3;

/** The pictures of all networks, IPv4 before IPv6. The size of a picture does not grow with the cluster. */
export function planSpace(cluster: ClusterView, networks: readonly NetworkView[]): readonly SpacePicture[] {
  const blocks = blocksByName(cluster);
  return networks.flatMap(({ name, subnet, prefix, subnet6, prefix6 }) => [
    ...planPicture(name, subnet, prefix, blocks.get(name) ?? []),
    ...planPicture(name, subnet6, prefix6, blocks.get(name) ?? []),
  ]);
}

function blocksByName({ agents }: ClusterView): ReadonlyMap<string, readonly Block[]> {
  const blocks = new Map<string, Block[]>();
  for (const agent of agents) {
    for (const { name, subnet, subnet6, status } of agent.networks) {
      for (const text of [subnet, subnet6]) {
        const prefix = parsePrefix(text);
        if (prefix === undefined) continue;
        const known = blocks.get(name) ?? [];
        known.push({ prefix, failed: status === 'failed' });
        blocks.set(name, known);
      }
    }
  }
  return blocks;
}

function planPicture(
  network: string,
  subnet: string,
  blockLength: number,
  candidates: readonly Block[],
): readonly SpacePicture[] {
  const whole = parsePrefix(subnet);
  if (whole === undefined || blockLength < whole.length || blockLength > whole.bits) return [];
  const blocks = candidates.filter(({ prefix }) => contains(whole, prefix));
  const detail = enclosingRange(whole, blocks, blockLength);
  const ranges = detail.length > whole.length + MIN_ENLARGEMENT_BITS ? [whole, detail] : [whole];
  return [
    {
      network,
      subnet,
      blockLength,
      taken: blocks.length,
      total: 1n << BigInt(blockLength - whole.length),
      strips: ranges.map((range) => planStrip(range, blocks, blockLength)),
    },
  ];
}

function planStrip(range: Prefix, blocks: readonly Block[], blockLength: number): SpaceStrip {
  const cellBits = Math.min(MAX_CELL_BITS, blockLength - range.length);
  const cellShift = BigInt(range.bits - range.length - cellBits);
  const sums = Array.from({ length: 2 ** cellBits }, () => ({ addresses: 0n, failed: false }));
  for (const { prefix, failed } of blocks) {
    const sum = sums[Number((prefix.first - range.first) >> cellShift)];
    if (sum === undefined) continue;
    sum.addresses += prefixSize(prefix);
    sum.failed ||= failed;
  }
  const cellSize = Number(1n << cellShift);
  return {
    range: formatPrefix(range),
    cells: sums.map(({ addresses, failed }) => ({
      taken: Math.min(1, Number(addresses) / cellSize),
      failed,
    })),
  };
}

/** The smallest range that holds all taken blocks and is not too small to be read; the whole without blocks. */
function enclosingRange(whole: Prefix, blocks: readonly Block[], blockLength: number): Prefix {
  let low: bigint | undefined;
  let high: bigint | undefined;
  for (const { prefix } of blocks) {
    if (low === undefined || prefix.first < low) low = prefix.first;
    const last = prefix.first + prefixSize(prefix) - 1n;
    if (high === undefined || last > high) high = last;
  }
  if (low === undefined || high === undefined) return whole;
  let length = Math.max(whole.length, blockLength - MIN_DETAIL_BITS);
  const shiftOf = (candidate: number) => BigInt(whole.bits - candidate);
  while (length > whole.length && low >> shiftOf(length) !== high >> shiftOf(length)) length--;
  return { bits: whole.bits, first: (low >> shiftOf(length)) << shiftOf(length), length };
}

function contains(outer: Prefix, inner: Prefix): boolean {
  if (inner.bits !== outer.bits || inner.length < outer.length) return false;
  const shift = BigInt(outer.bits - outer.length);
  return inner.first >> shift === outer.first >> shift;
}
