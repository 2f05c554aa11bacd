import { EventEmitter, on } from 'node:events';
import { OverlayError } from '@overlay/failure';
import type { IWatchCreateRequest, IWatchResponse } from 'etcd3';
import type { EtcdMembers } from './etcd-members.js';

/**
 * Watches a range at the present member until that stream ends, one way or another; who wants to go on opens
 * the next one behind the last revision that was seen.
 * @throws OverlayError what `EtcdMembers.failure` says; an abort throws too.
 */
export async function* readEvents(
  members: EtcdMembers,
  request: IWatchCreateRequest,
  signal: AbortSignal,
): AsyncGenerator<IWatchResponse> {
  const { stream, giveUp } = await members.open('watch', (client) => client.watchClient.watch());
  if (!(stream instanceof EventEmitter)) throw new OverlayError('internal', 'a stream of etcd has no events');
  try {
    const answers = on(stream, 'data', { signal, close: ['end', 'close'] });
    stream.write({ create_request: request });
    for await (const [answer] of answers) yield answer as IWatchResponse;
  } catch (thrown) {
    throw members.failure(thrown, 'watch');
  } finally {
    giveUp();
  }
}
