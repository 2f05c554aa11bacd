import { setTimeout as sleep } from 'node:timers/promises';
import { OverlayError } from '@overlay/failure';
import { historyGone } from '../log-failures.js';
import type { LogChange } from '../overlay-log.js';
import type { EtcdKeys } from './etcd-keys.js';
import type { EtcdMembers } from './etcd-members.js';
import { groupEvents } from './group-events.js';
import { readEvents } from './read-events.js';

const RETRY_MS = 200;

/**
 * Yields each commit after a revision until the signal aborts, over any loss of members, without loss or
 * duplicates. What cannot be reached is waited for.
 * @throws OverlayError `failed_precondition` if commits after the revision were compacted away, or if the log has
 * no such revision yet (etcd was restored from a backup).
 */
export async function* watchCommits(
  members: EtcdMembers,
  keys: EtcdKeys,
  fromRevision: bigint,
  signal: AbortSignal,
): AsyncGenerator<LogChange> {
  let seen = fromRevision;
  let oldest = 0n;
  while (!signal.aborted) {
    try {
      const start = await planStart(members, keys, seen, oldest);
      const request = { key: keys.start, range_end: keys.end, start_revision: String(start) };
      for await (const answer of readEvents(members, request, signal)) {
        if (answer.canceled) {
          oldest = BigInt(answer.compact_revision);
          await requireNothingLost(members, keys, seen, oldest);
          break;
        }
        for (const change of groupEvents(answer.events, keys)) {
          if (signal.aborted) return;
          seen = change.revision;
          yield change;
        }
      }
    } catch (thrown) {
      if (signal.aborted) return;
      const failure = members.failure(thrown, 'watch');
      if (failure.code !== 'unavailable') throw failure;
    }
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * The first revision of etcd to watch. If nothing was committed since, that is the next one: revisions of other
 * keys may have been compacted away meanwhile, and that loses nothing.
 */
async function planStart(
  members: EtcdMembers,
  keys: EtcdKeys,
  seen: bigint,
  oldest: bigint,
): Promise<bigint> {
  const { newest, present } = await readMark(members, keys);
  if (seen > newest) {
    const cause = `the newest commit is ${newest}: etcd was restored from a backup`;
    const message = `cannot watch from revision ${seen}, for ${cause}; load again`;
    throw new OverlayError('failed_precondition', message);
  }
  if (seen === newest) return present + 1n;
  return seen < oldest ? oldest + 1n : seen + 1n;
}

/** Throws if the history before `oldest`, which was compacted away, had commits that the watcher has not seen. */
async function requireNothingLost(
  members: EtcdMembers,
  keys: EtcdKeys,
  seen: bigint,
  oldest: bigint,
): Promise<void> {
  if (oldest === 0n) return;
  const { newest: kept } = await readMark(members, keys, oldest);
  if (kept <= seen) return;
  const { newest } = await readMark(members, keys);
  throw historyGone(seen, oldest, newest);
}

interface Mark {
  /** The last commit, as the cluster was at the revision that was asked for. */
  readonly newest: bigint;
  /** The cluster's present revision. */
  readonly present: bigint;
}

async function readMark(members: EtcdMembers, keys: EtcdKeys, at?: bigint): Promise<Mark> {
  const revision = at === undefined ? {} : { revision: String(at) };
  const { header, kvs } = await members.call({
    doing: 'watch',
    repeatable: true,
    run: (client, options) => client.kv.range({ key: keys.revision, ...revision }, options),
  });
  return { newest: BigInt(kvs[0]?.mod_revision ?? 0), present: BigInt(header.revision) };
}
