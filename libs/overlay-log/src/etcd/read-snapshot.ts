import { OverlayError } from '@overlay/failure';
import type { LogRecord } from '@overlay/model';
import type { IKeyValue } from 'etcd3';
import { requireKnownFormat } from '../log-format.js';
import { type LogSnapshot, termOfMark } from '../overlay-log.js';
import { decodeEntry } from './decode-entry.js';
import type { EtcdKeys } from './etcd-keys.js';
import type { EtcdMembers } from './etcd-members.js';
import type { RangePage } from './range-page.js';
import { prefixTaken } from './require-own-prefix.js';

const FIRST_PAGE = 2_000;
const LONGEST_PAGE = 40_000;
const PAGE_BYTES = 8_000_000;
const PAGE_PATIENCE = 10;
/** So many records at once are decoded and given: they have gone before the next are made. */
const BATCH = 1_000;
/** The log's own marks and one entry. */
const MARKS_AND_ONE = 4;

/**
 * Reads the whole log at one revision of etcd, page by page. The range is read in two parts at once, and the next page
 * of each is under way while one is decoded: so etcd and this process are both at work.
 * @throws OverlayError `unavailable` also if the cluster was compacted meanwhile, `data_loss` naming the key of a
 * record that cannot be read or that is none of the log's, `failed_precondition` for an unknown format.
 */
export async function readSnapshot(members: EtcdMembers, keys: EtcdKeys): Promise<LogSnapshot> {
  const { revision, format, mark, hasEntries } = await readHead(members, keys);
  if (format !== undefined) requireKnownFormat(format, members.where);
  else if (hasEntries) throw prefixTaken(members, keys);
  async function* read(): AsyncGenerator<readonly LogRecord[]> {
    const starts: readonly PartStart[] = [
      { key: keys.start, end: keys.middle, limit: FIRST_PAGE },
      { key: keys.middle, end: keys.end, limit: FIRST_PAGE },
    ];
    const waiting = new Map(starts.map((start) => [start.end, readPage(members, start, revision)]));
    while (waiting.size > 0) {
      const { end, page } = await Promise.race(waiting.values());
      const next = partBehind(page, end);
      if (next === undefined) waiting.delete(end);
      else waiting.set(end, readPage(members, next, revision));
      yield* recordsOf(page, keys);
    }
  }
  const term = termOfMark(mark?.value.toString() ?? '');
  return { revision: BigInt(mark?.mod_revision ?? 0), term, records: read() };
}

interface Head {
  readonly revision: string;
  readonly format: string | undefined;
  readonly mark: IKeyValue | undefined;
  readonly hasEntries: boolean;
}

async function readHead(members: EtcdMembers, keys: EtcdKeys): Promise<Head> {
  const request = {
    success: [
      { request_range: { key: keys.format } },
      { request_range: { key: keys.revision } },
      {
        request_range: { key: keys.start, range_end: keys.end, limit: MARKS_AND_ONE, keys_only: true },
      },
    ],
  };
  const answer = await members.call({
    doing: 'read',
    repeatable: true,
    run: (client, options) => client.kv.txn(request, options),
  });
  const [format, mark, first] = answer.responses.map(({ response_range: range }) => range?.kvs);
  if (first === undefined) {
    throw new OverlayError('unavailable', `etcd at ${members.where} answered a read incompletely; repeat it`);
  }
  return {
    revision: answer.header.revision,
    format: format?.[0]?.value.toString(),
    mark: mark?.[0],
    hasEntries: first.some(({ key }) => keys.entryOf(key.toString()) !== undefined),
  };
}

/** What is still to be read of a part of the log's range. */
interface PartStart {
  readonly key: Buffer;
  /** First key behind the part. */
  readonly end: Buffer;
  readonly limit: number;
}

/** Reads a page of a part. Nobody has to wait for it: a failure is no unhandled one. */
function readPage(members: EtcdMembers, { key, end, limit }: PartStart, revision: string) {
  const reading = members.call({
    doing: 'read',
    repeatable: true,
    // While a page is on its way others are decoded, which leaves no time to take the answer.
    patience: PAGE_PATIENCE,
    run: async (client, options) => ({
      end,
      page: await client.readRange({ key, rangeEnd: end, limit, revision }, options),
    }),
  });
  reading.catch(() => undefined);
  return reading;
}

function partBehind(page: RangePage, end: Buffer): PartStart | undefined {
  const last = page.lastKey;
  if (!page.more || last === undefined) return undefined;
  return { key: Buffer.concat([last, Buffer.of(0)]), end, limit: planPage(page) };
}

/**
 * How many keys to ask for, judging by the size of those before. For each page etcd 3.4 walks over all keys that
 * are left, so many small pages of a large log take a time that grows with its square.
 */
function planPage(before: RangePage): number {
  const fitting = Math.floor((PAGE_BYTES * before.size) / before.bytes);
  return Math.min(Math.max(fitting, FIRST_PAGE), LONGEST_PAGE);
}

function* recordsOf(page: RangePage, keys: EtcdKeys): Generator<readonly LogRecord[]> {
  let batch: LogRecord[] = [];
  for (const { key, value } of page.entries()) {
    const entry = keys.entryOf(key);
    if (entry !== undefined) batch.push(decodeEntry(entry, value, keys));
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
