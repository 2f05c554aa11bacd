import { type LogRecord, type Mutation, type NodeRecord, refOf } from '@overlay/model';
import { keyOf } from './log-keys.js';

/** How large one commit may be. */
export interface CommitLimits {
  /** The most mutations that one commit may have. */
  readonly maxMutations: number;
  /** The most bytes that one commit may have, as {@link boundBytes} counts them. */
  readonly maxBytes: number;
}

/** What a mutation takes beside its key and its record: its framing, and the folder or prefix that it stands under. */
const FRAME_BYTES = 128;
/** More than the fixed fields of each record ever take. */
const FIXED_BYTES = 512;
const NETWORK_BYTES = 256;
const PREFIX_BYTES = 64;

/**
 * At least as many bytes as the mutations take in any store, without encoding them: each record is encoded once, when it
 * is committed.
 */
export function boundBytes(mutations: readonly Mutation[]): number {
  let bytes = 0;
  for (const mutation of mutations) {
    const ref = mutation.op === 'delete' ? mutation.ref : refOf(mutation.record);
    // A created entry is named twice: that it must not be there, and what it shall be.
    bytes += FRAME_BYTES + 2 * keyOf(ref).length;
    if (mutation.op !== 'delete') bytes += boundRecord(mutation.record);
  }
  return bytes;
}

/** What is left of one commit while it is put together. */
export class CommitRoom {
  #mutations: number;
  #bytes: number;

  constructor({ maxMutations, maxBytes }: CommitLimits) {
    this.#mutations = maxMutations;
    this.#bytes = maxBytes;
  }

  /** Takes the room of all the mutations and returns true, or takes nothing and returns false if they do not fit. */
  take(mutations: readonly Mutation[]): boolean {
    if (mutations.length > this.#mutations) return false;
    const bytes = boundBytes(mutations);
    if (bytes > this.#bytes) return false;
    this.#mutations -= mutations.length;
    this.#bytes -= bytes;
    return true;
  }
}

/** Cuts what need not happen at once into commits, in its order. */
export function* inCommits(
  mutations: readonly Mutation[],
  limits: CommitLimits,
): Generator<readonly Mutation[]> {
  let room = new CommitRoom(limits);
  let start = 0;
  for (const [index, mutation] of mutations.entries()) {
    if (room.take([mutation])) continue;
    if (index > start) yield mutations.slice(start, index);
    start = index;
    room = new CommitRoom(limits);
    room.take([mutation]);
  }
  if (start < mutations.length) yield mutations.slice(start);
}

function boundRecord(record: LogRecord): number {
  switch (record.kind) {
    case 'node':
    case 'former-node':
      return boundNode(record.node);
    case 'address-space':
    case 'network':
    case 'claim':
      return FIXED_BYTES;
  }
}

function boundNode({ networks, attributes }: NodeRecord): number {
  const prefixes = networks.reduce((count, network) => count + network.prefixes.length, 0);
  const text = JSON.stringify(attributes);
  const attributeBytes = text === '{}' ? 0 : Buffer.byteLength(text);
  return FIXED_BYTES + networks.length * NETWORK_BYTES + prefixes * PREFIX_BYTES + attributeBytes;
}
