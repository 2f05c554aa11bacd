import { OverlayError } from '@overlay/failure';
import type { LogRecord } from '@overlay/model';
import type { IKeyValue, IRangeResponse } from 'etcd3';
import { requireKnownFormat } from '../log-format.js';
import type { LogSnapshot } from '../overlay-log.js';
import { decodeEntry } from './decode-entry.js';
import type { EtcdKeys } from './etcd-keys.js';
import type { EtcdMembers } from './etcd-members.js';

const FIRST_PAGE = 2_000;
const LONGEST_PAGE = 40_000;
const PAGE_BYTES = 8_000_000;
const PAGE_PATIENCE = 10;

/**
 * Reads the whole log at one revision of etcd, page by page. The range is read in two parts at once, and the next page
 * of each is under way while one is decoded: so etcd and this process are both at work.
 * @throws OverlayError `unavailable` also if the cluster was compacted meanwhile, `data_loss` naming the key of a
 * record that cannot be read or that is none of the log's, `failed_precondition` for an unknown format.
 */
export async function readSnapshot(members: EtcdMembers, keys: EtcdKeys): Promise<LogSnapshot> {
  const { revision, format, mark, parts } = await readHead(members, keys);
  if (format !== undefined) requireKnownFormat(format, members.where);
  else if (parts.some(({ page }) => hasEntries(page, keys))) {
    const message = `etcd at ${members.where} has entries under ${keys.start} but no format there`;
    throw new OverlayError('failed_precondition', `${message}; give the log a prefix of its own`);
  }
  async function* read(): AsyncGenerator<readonly LogRecord[]> {
    const waiting = new Map(parts.map((part) => [part.end, Promise.resolve(part)]));
    while (waiting.size > 0) {
      const part = await Promise.race(waiting.values());
      if (part.page.more) waiting.set(part.end, readOn(members, part, revision));
      else waiting.delete(part.end);
      const batch = part.page.kvs.flatMap((entry) => recordsOf(entry, keys));
      if (batch.length > 0) yield batch;
    }
  }
  return { revision: BigInt(mark?.mod_revision ?? 0), records: read() };
}

/** A part of the log's range, as far as the page that was read last. */
interface Part {
  /** First key behind the part. */
  readonly end: Buffer;
  readonly page: IRangeResponse;
}

interface Head {
  readonly revision: string;
  readonly format: string | undefined;
  readonly mark: IKeyValue | undefined;
  readonly parts: readonly Part[];
}

async function readHead(members: EtcdMembers, keys: EtcdKeys): Promise<Head> {
  const request = {
    success: [
      { request_range: { key: keys.format } },
      { request_range: { key: keys.revision } },
      { request_range: { key: keys.start, range_end: keys.middle, limit: FIRST_PAGE } },
      { request_range: { key: keys.middle, range_end: keys.end, limit: FIRST_PAGE } },
    ],
  };
  const answer = await members.call({
    doing: 'read',
    repeatable: true,
    run: (client, options) => client.kv.txn(request, options),
  });
  const [format, mark, lower, upper] = answer.responses.map(({ response_range: range }) => range);
  if (lower === undefined || upper === undefined) {
    throw new OverlayError('unavailable', `etcd at ${members.where} answered a read incompletely; repeat it`);
  }
  return {
    revision: answer.header.revision,
    format: format?.kvs[0]?.value.toString(),
    mark: mark?.kvs[0],
    parts: [
      { end: keys.middle, page: lower },
      { end: keys.end, page: upper },
    ],
  };
}

/** Reads the next page of a part that has more. Nobody has to wait for it: a failure is no unhandled one. */
function readOn(members: EtcdMembers, { end, page }: Part, revision: string): Promise<Part> {
  const last = page.kvs.at(-1)?.key ?? Buffer.of();
  const request = {
    key: Buffer.concat([last, Buffer.of(0)]),
    range_end: end,
    limit: planPage(page.kvs),
    revision,
  };
  const reading = members.call({
    doing: 'read',
    repeatable: true,
    // While a page is on its way others are decoded, which leaves no time to take the answer.
    patience: PAGE_PATIENCE,
    run: async (client, options) => ({ end, page: await client.kv.range(request, options) }),
  });
  reading.catch(() => undefined);
  return reading;
}

/**
 * How many keys to ask for, judging by the size of those before. For each page etcd 3.4 walks over all keys that
 * are left, so many small pages of a large log take a time that grows with its square.
 */
function planPage(before: readonly IKeyValue[]): number {
  const bytes = before.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  const fitting = Math.floor((PAGE_BYTES * before.length) / Math.max(bytes, 1));
  return Math.min(Math.max(fitting, FIRST_PAGE), LONGEST_PAGE);
}

function recordsOf({ key, value }: IKeyValue, keys: EtcdKeys): readonly LogRecord[] {
  const entry = keys.entryOf(key);
  return entry === undefined ? [] : [decodeEntry(entry, value, keys)];
}

function hasEntries(page: IRangeResponse, keys: EtcdKeys): boolean {
  return page.kvs.some(({ key }) => keys.entryOf(key) !== undefined);
}
