import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeRangeRequest, type RangeEntry, RangePage } from './range-page.js';

/** An answer as etcd writes it: a header, the entries with their revisions, whether there is more, the count. */
function answer(entries: readonly RangeEntry[], more: boolean): Buffer {
  const writer = new BinaryWriter();
  const field = (number: number, type: WireType) => writer.tag(number, type);
  field(1, WireType.LengthDelimited).fork();
  field(1, WireType.Varint).uint64('14841639068965178418');
  field(3, WireType.Varint).int64(77);
  writer.join();
  for (const { key, value } of entries) {
    field(2, WireType.LengthDelimited).fork();
    if (key !== '') field(1, WireType.LengthDelimited).string(key);
    for (const number of [2, 3, 4]) field(number, WireType.Varint).int64('9007199254740993');
    if (value !== '') field(5, WireType.LengthDelimited).string(value);
    field(6, WireType.Varint).int64(-1);
    writer.join();
  }
  if (more) field(3, WireType.Varint).bool(true);
  field(4, WireType.Varint).int64(entries.length);
  return Buffer.from(writer.finish());
}

const text = fc.string({ unit: 'grapheme', maxLength: 200 });
const entries = fc.array(fc.record({ key: text, value: text }), { maxLength: 40 });

describe('a page of a range', () => {
  it('has the entries that were written, in their order', () => {
    fc.assert(
      fc.property(entries, fc.boolean(), (written, more) => {
        const page = new RangePage(answer(written, more));
        expect([...page.entries()]).toEqual(written);
        expect([page.size, page.more]).toEqual([written.length, more]);
        expect(page.lastKey?.toString()).toEqual(written.at(-1)?.key);
      }),
    );
  });

  it('is no page if it was cut', () => {
    const whole = answer([{ key: '/overlay/node/1', value: '{}' }], true);
    const read = (bytes: Buffer) => () => [...new RangePage(bytes).entries()];
    expect(read(whole)).not.toThrow();
    // Behind the entry it may end: a message's fields need not be there.
    const lengths = Array.from({ length: whole.length }, (_, length) => length);
    const cut = lengths.filter((length) => {
      try {
        return read(whole.subarray(0, length))().length > 0;
      } catch {
        return false;
      }
    });
    expect(cut.map((length) => whole.length - length)).toEqual([4, 2]);
  });
});

describe('a request for a range', () => {
  it('has the fields of the protocol', () => {
    const request = { key: Buffer.from('a'), rangeEnd: Buffer.from('b'), limit: 300, revision: '5000000000' };
    const reader = new BinaryReader(encodeRangeRequest(request));
    const read = [];
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      read.push([field, type === WireType.Varint ? String(reader.int64()) : reader.string()]);
    }
    expect(read).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, '300'],
      [4, '5000000000'],
    ]);
  });
});
