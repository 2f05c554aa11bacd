import { isFailure, OverlayError } from '@overlay/failure';
import type { EtcdKeys } from './etcd-keys.js';
import type { EtcdMembers } from './etcd-members.js';

/** The failure of a log whose prefix holds what is none of its own. */
export function prefixTaken({ where }: EtcdMembers, { prefix }: EtcdKeys): OverlayError {
  const message = `etcd at ${where} has entries under ${prefix} but no format there`;
  return new OverlayError('failed_precondition', `${message}; give the log a prefix of its own`);
}

/**
 * Makes sure that a log which begins does not do so inside another one, which would take every key of it for damage. Where
 * the user may not look, nothing is found.
 * @throws OverlayError `failed_precondition` naming the other log's prefix, and what calls of etcd throw.
 */
export async function requireNoOuterLog(
  members: EtcdMembers,
  keys: EtcdKeys,
  signal: AbortSignal,
): Promise<void> {
  for (const outer of keys.outer) {
    if (!(await isThere(members, outer.format, signal))) continue;
    const message = `etcd at ${members.where} has another overlay log under ${outer.prefix}, whose keys those under ${keys.prefix} are`;
    throw new OverlayError('failed_precondition', `${message}; give this log a prefix of its own`);
  }
}

async function isThere(members: EtcdMembers, key: Buffer, signal: AbortSignal): Promise<boolean> {
  try {
    const { kvs } = await members.call({
      doing: 'campaign for',
      repeatable: true,
      signal,
      run: (client, options) => client.kv.range({ key, keys_only: true }, options),
    });
    return kvs.length > 0;
  } catch (thrown) {
    if (isFailure(thrown, 'permission_denied')) return false;
    throw thrown;
  }
}
