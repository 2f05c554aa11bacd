import { OverlayError } from '@overlay/failure';
import type { LogRecord } from '@overlay/model';
import type { IKeyValue, IRangeResponse } from 'etcd3';
import { decodeRecord } from '../log-codec.js';
import { requireKnownFormat } from '../log-format.js';
import type { LogSnapshot } from '../overlay-log.js';
import type { EtcdKeys } from './etcd-keys.js';
import type { EtcdMembers } from './etcd-members.js';

/** Keys a page; a page of nodes' records stays well below a megabyte. */
const PAGE = 2_000;

/**
 * Reads the whole log at one revision of etcd, page by page; the next page is under way while one is decoded.
 * @throws OverlayError `unavailable` also if the cluster was compacted meanwhile, `data_loss` naming the key of a
 * record that cannot be read or that is none of the log's, `failed_precondition` for an unknown format.
 */
export async function readSnapshot(members: EtcdMembers, keys: EtcdKeys): Promise<LogSnapshot> {
  const { revision, format, mark, first } = await readHead(members, keys);
  if (format !== undefined) requireKnownFormat(format, members.where);
  else if (hasEntries(first, keys)) {
    const message = `etcd at ${members.where} has entries under ${keys.start} but no format there`;
    throw new OverlayError('failed_precondition', `${message}; give the log a prefix of its own`);
  }
  async function* read(): AsyncGenerator<readonly LogRecord[]> {
    let page: IRangeResponse = first;
    for (;;) {
      const last = page.kvs.at(-1);
      const following = page.more && last !== undefined ? readPage(members, keys, last, revision) : undefined;
      // Awaited below; until then its failure must not count as unhandled.
      following?.catch(() => undefined);
      const batch = page.kvs.flatMap((entry) => decodeEntry(entry, keys));
      if (batch.length > 0) yield batch;
      if (following === undefined) return;
      page = await following;
    }
  }
  return { revision: BigInt(mark?.mod_revision ?? 0), records: read() };
}

interface Head {
  readonly revision: string;
  readonly format: string | undefined;
  readonly mark: IKeyValue | undefined;
  readonly first: IRangeResponse;
}

async function readHead(members: EtcdMembers, keys: EtcdKeys): Promise<Head> {
  const request = {
    success: [
      { request_range: { key: keys.format } },
      { request_range: { key: keys.revision } },
      { request_range: { key: keys.start, range_end: keys.end, limit: PAGE } },
    ],
  };
  const answer = await members.call({
    doing: 'read',
    repeatable: true,
    run: (client, options) => client.kv.txn(request, options),
  });
  const [format, mark, first] = answer.responses.map(({ response_range: range }) => range);
  if (first === undefined) {
    throw new OverlayError('unavailable', `etcd at ${members.where} answered a read incompletely; repeat it`);
  }
  return {
    revision: answer.header.revision,
    format: format?.kvs[0]?.value.toString(),
    mark: mark?.kvs[0],
    first,
  };
}

function readPage(
  members: EtcdMembers,
  keys: EtcdKeys,
  last: IKeyValue,
  revision: string,
): Promise<IRangeResponse> {
  const key = Buffer.concat([last.key, Buffer.of(0)]);
  return members.call({
    doing: 'read',
    repeatable: true,
    run: (client, options) => client.kv.range({ key, range_end: keys.end, limit: PAGE, revision }, options),
  });
}

function decodeEntry({ key, value }: IKeyValue, keys: EtcdKeys): readonly LogRecord[] {
  const entry = keys.entryOf(key);
  return entry === undefined ? [] : [decodeRecord(entry, value.toString())];
}

function hasEntries(page: IRangeResponse, keys: EtcdKeys): boolean {
  return page.kvs.some(({ key }) => keys.entryOf(key) !== undefined);
}
