import { join } from 'node:path';
import { AddressSpace, Network, Peer, type TopologyChange } from '@overlay/contracts';
import { DatabaseRoom, makeFolder, makeLockRoom, makeSafeToMap } from '@overlay/disk-room';
import { OverlayError, toOverlayError } from '@overlay/failure';
import { open, type RootDatabase } from 'lmdb';
import { ChangeSignal } from '../change-signal.js';

/** What a commit of the store changed, for those who follow it. */
export interface TopologyUpdate {
  readonly revision: bigint;
  readonly changes: readonly TopologyChange[];
}

type Entry = readonly [key: string, value: Buffer];

/** More than any key has. */
const KEY_BYTES = 128;
const REVISION = 'revision';
const TERM = 'term';
const ADDRESS_SPACE = 'address-space';
/** The revision and the term. */
const MARKS = 2;
const PEER = 'peer/';
const NETWORK = 'network/';

/**
 * The topology as last synced, on disk in lmdb, one entry per peer and network, so that a delta costs what it
 * changes. Content and revision change in one transaction: a killed process finds either state, and resumes by
 * the revision it finds. Masters have the truth; what is lost here comes back with a snapshot.
 */
export class TopologyStore {
  readonly #db: RootDatabase<Buffer, string>;
  readonly #path: string;
  readonly #room: DatabaseRoom;
  readonly #listeners = new Set<(update: TopologyUpdate) => void>();
  /** Raised after each commit. */
  readonly changed = new ChangeSignal();

  /** @throws OverlayError `data_loss` naming the folder if it is no store. */
  constructor(stateDir: string) {
    const path = join(stateDir, 'topology');
    try {
      makeFolder(path, 0o777);
      makeLockRoom(join(path, 'data.mdb-lock'));
      if (!makeSafeToMap(join(path, 'data.mdb')))
        throw new Error('data.mdb does not begin like an lmdb database');
      this.#db = open<Buffer, string>({ path: join(path, 'data.mdb'), encoding: 'binary' });
      this.#db.get(REVISION);
      this.#path = path;
      this.#room = new DatabaseRoom(join(path, 'data.mdb'), this.#db);
    } catch (error) {
      const reason = toOverlayError(error).message;
      const wayOut = 'remove the folder, the masters send the topology again';
      throw new OverlayError('data_loss', `${path} cannot be opened: ${reason}; ${wayOut}`, { cause: error });
    }
  }

  /** Revision that can be resumed from; undefined before the first complete snapshot. */
  get revision(): bigint | undefined {
    const stored = this.#db.get(REVISION);
    return stored === undefined ? undefined : BigInt(stored.toString('latin1'));
  }

  /** What the master told with the revision, to be sent back with it; undefined if it told nothing. */
  get term(): string | undefined {
    return this.#db.get(TERM)?.toString('utf8');
  }

  /** How many peers are stored. */
  get peerCount(): number {
    return this.#db.getKeysCount({ start: PEER, end: endOf(PEER) });
  }

  /** Everything stored, lazily, as of the moment of the first step; nothing that is committed later shows. */
  *entries(): Iterable<TopologyChange> {
    const transaction = this.#db.useReadTransaction();
    try {
      for (const { key, value } of this.#db.getRange({ transaction })) {
        const change = decodeEntry(key, value);
        if (change !== undefined) yield change;
      }
    } finally {
      transaction.done();
    }
  }

  /** Stores changes and the revision they lead to, with its term. Resolves when they are committed. */
  async applyDelta(changes: readonly TopologyChange[], revision: bigint, term?: string): Promise<void> {
    await this.#commit(changes, revision, term);
  }

  /** Replaces the content by that of a complete snapshot, writing only what differs. */
  async replace(snapshot: readonly TopologyChange[], revision: bigint, term?: string): Promise<void> {
    const wanted = new Map<string, TopologyChange>();
    for (const change of snapshot) wanted.set(keyOf(change), change);
    const gone: TopologyChange[] = [];
    for (const key of this.#db.getKeys()) {
      const removal = wanted.has(key) ? undefined : removalOf(key);
      if (removal !== undefined) gone.push(removal);
    }
    await this.#commit([...gone, ...wanted.values()], revision, term);
  }

  /** Calls the listener with every commit that changed something. Returns how to stop. */
  follow(listener: (update: TopologyUpdate) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Releases the files. Repeatable. */
  async close(): Promise<void> {
    await this.#db.close();
  }

  #makeRoom(changes: readonly TopologyChange[]): void {
    const entries = changes.map((change) => encodeEntry(change)?.[1].length ?? 0);
    const bytes = entries.reduce((sum, length) => sum + length + KEY_BYTES, 0);
    try {
      this.#room.ensure({ keys: changes.length + MARKS, bytes: bytes + MARKS * KEY_BYTES });
    } catch (error) {
      const reason = toOverlayError(error).message;
      const message = `the topology cannot be stored in ${this.#path}: ${reason}; free space on its file system`;
      throw new OverlayError('resource_exhausted', message, { cause: error });
    }
  }

  async #commit(
    changes: readonly TopologyChange[],
    revision: bigint,
    term: string | undefined,
  ): Promise<void> {
    const effective: TopologyChange[] = [];
    this.#makeRoom(changes);
    await this.#db.transaction(() => {
      for (const change of changes) {
        const entry = encodeEntry(change);
        const key = keyOf(change);
        const before = this.#db.get(key);
        if (entry === undefined) {
          if (before === undefined) continue;
          this.#db.removeSync(key);
        } else {
          if (before?.equals(entry[1])) continue;
          this.#db.putSync(key, entry[1]);
        }
        effective.push(change);
      }
      this.#db.putSync(REVISION, Buffer.from(revision.toString(), 'latin1'));
      if (term === undefined) this.#db.removeSync(TERM);
      else this.#db.putSync(TERM, Buffer.from(term, 'utf8'));
    });
    const update = { revision, changes: effective };
    for (const listener of this.#listeners) listener(update);
    this.changed.raise();
  }
}

function keyOf({ change }: TopologyChange): string {
  switch (change?.$case) {
    case 'peer':
      return PEER + change.value.nodeId;
    case 'removedNodeId':
      return PEER + change.value;
    case 'network':
      return NETWORK + change.value.id;
    case 'removedNetworkId':
      return NETWORK + change.value;
    case 'addressSpace':
      return ADDRESS_SPACE;
    case undefined:
      throw new OverlayError(
        'invalid_argument',
        'a topology change of a kind that this release does not know',
      );
  }
}

function encodeEntry(topologyChange: TopologyChange): Entry | undefined {
  const { change } = topologyChange;
  const key = keyOf(topologyChange);
  switch (change?.$case) {
    case 'peer':
      return [key, Buffer.from(Peer.encode(change.value).finish())];
    case 'network':
      return [key, Buffer.from(Network.encode(change.value).finish())];
    case 'addressSpace':
      return [key, Buffer.from(AddressSpace.encode(change.value).finish())];
    default:
      return undefined;
  }
}

function decodeEntry(key: string, value: Buffer): TopologyChange | undefined {
  if (key === ADDRESS_SPACE) return { change: { $case: 'addressSpace', value: AddressSpace.decode(value) } };
  if (key.startsWith(NETWORK)) return { change: { $case: 'network', value: Network.decode(value) } };
  if (key.startsWith(PEER)) return { change: { $case: 'peer', value: Peer.decode(value) } };
  return undefined;
}

function removalOf(key: string): TopologyChange | undefined {
  if (key.startsWith(PEER)) return { change: { $case: 'removedNodeId', value: key.slice(PEER.length) } };
  if (key.startsWith(NETWORK))
    return { change: { $case: 'removedNetworkId', value: key.slice(NETWORK.length) } };
  return undefined;
}

function endOf(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}
