import { EventEmitter, once } from 'node:events';
import { OverlayError } from '@overlay/failure';
import type { ILeaseKeepAliveResponse } from 'etcd3';
import type { EtcdMembers } from './etcd-members.js';

/**
 * Renews a lease once, over a stream of its own, so that each try can go to another member. Resolves with the
 * seconds that it has from the moment of the answer; 0 if etcd does not know the lease any more. A member that does not
 * answer in time is left.
 * @param timeoutMs a whole number.
 * @throws OverlayError `unavailable` if etcd does not answer in time.
 */
export async function renewLease(members: EtcdMembers, id: string, timeoutMs: number): Promise<number> {
  const { stream, moveOn, giveUp } = await members.open('renew the leader’s lease of', (client) =>
    client.leaseClient.leaseKeepAlive(),
  );
  if (!(stream instanceof EventEmitter)) throw new OverlayError('internal', 'a stream of etcd has no events');
  try {
    const answered = once(stream, 'data', { signal: AbortSignal.timeout(timeoutMs) });
    stream.write({ ID: id });
    const [answer]: ILeaseKeepAliveResponse[] = await answered;
    return Number(answer?.TTL ?? 0);
  } catch (thrown) {
    moveOn(); // a member that has vanished says nothing, not even that it failed
    throw members.failure(thrown, 'renew the leader’s lease of');
  } finally {
    giveUp();
  }
}
