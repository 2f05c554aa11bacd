import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A part of the keys at one revision; the numbers of the fields are those of etcd's `RangeRequest` (rpc.proto). */
export interface RangeRequest {
  readonly key: Buffer;
  /** First key behind the range. */
  readonly rangeEnd: Buffer;
  /** How many keys the answer may have, 1 or more. */
  readonly limit: number;
  /** A decimal number, as etcd3 gives revisions. */
  readonly revision: string;
}

/** The request as etcd reads it. */
export function encodeRangeRequest({ key, rangeEnd, limit, revision }: RangeRequest): Buffer {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).bytes(key);
  writer.tag(2, WireType.LengthDelimited).bytes(rangeEnd);
  writer.tag(3, WireType.Varint).int64(limit);
  writer.tag(4, WireType.Varint).int64(revision);
  return Buffer.from(writer.finish());
}

/** A key with its value, both text. */
export interface RangeEntry {
  readonly key: string;
  readonly value: string;
}

/**
 * An answer of etcd (`RangeResponse`, rpc.proto; `KeyValue`, kv.proto) that is read entry by entry. The usual client
 * makes a dozen objects of every entry, for revisions and leases too, all of which live as long as the page: of a large
 * log that was most of the work.
 */
export class RangePage {
  /** How many entries there are. */
  readonly size: number;
  /** Whether the range has more keys than the request allowed. */
  readonly more: boolean;
  /** Of the whole answer. */
  readonly bytes: number;
  readonly #answer: Buffer;
  /** Where the last entry begins. */
  readonly #last: number | undefined;

  /** @throws Error if it is no such message. */
  constructor(answer: Buffer) {
    this.#answer = answer;
    this.bytes = answer.length;
    const reader = new BinaryReader(answer);
    let size = 0;
    let more = false;
    let last: number | undefined;
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === 2) {
        last = reader.pos;
        size += 1;
      }
      if (field === 3) more = reader.bool();
      else pass(reader, type, field);
    }
    this.size = size;
    this.more = more;
    this.#last = last;
  }

  /** Key of the last entry; undefined if there is none. */
  get lastKey(): Buffer | undefined {
    if (this.#last === undefined) return undefined;
    const reader = new BinaryReader(this.#answer);
    reader.pos = this.#last;
    return Buffer.from(this.#read(reader).key);
  }

  /** The entries in the order of their keys. */
  *entries(): Generator<RangeEntry> {
    const reader = new BinaryReader(this.#answer);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === 2) yield this.#read(reader);
      else pass(reader, type, field);
    }
  }

  #read(reader: BinaryReader): RangeEntry {
    const end = reader.uint32() + reader.pos;
    let key = '';
    let value = '';
    while (reader.pos < end) {
      const [field, type] = reader.tag();
      if (field === 1) key = this.#text(reader);
      else if (field === 5) value = this.#text(reader);
      else pass(reader, type, field);
    }
    return { key, value };
  }

  #text(reader: BinaryReader): string {
    const length = reader.uint32();
    const from = reader.pos;
    move(reader, length);
    return this.#answer.toString('utf8', from, reader.pos);
  }
}

/** Like the reader's own `skip`, which also copies what it passes. */
function pass(reader: BinaryReader, type: WireType, field: number): void {
  if (type === WireType.Varint) reader.uint32();
  else if (type !== WireType.LengthDelimited) reader.skip(type, field);
  else move(reader, reader.uint32());
}

function move(reader: BinaryReader, bytes: number): void {
  reader.pos += bytes;
  if (reader.pos > reader.len) throw new RangeError('the answer of etcd ends too early');
}
