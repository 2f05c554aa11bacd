import type { CallOptions } from '@grpc/grpc-js';
import { Etcd3 } from 'etcd3';
import { encodeRangeRequest, RangePage, type RangeRequest } from './range-page.js';

const RANGE = '/etcdserverpb.KV/Range';

/** The usual client, and a way to read much. */
export class EtcdClient extends Etcd3 {
  /**
   * Like `kv.range`, and the answer is left as it came. A token that etcd does not know any more is the caller's matter.
   * @throws what `kv.range` throws.
   */
  readRange(request: RangeRequest, options: CallOptions): Promise<RangePage> {
    return this.pool.withConnection(
      'KV',
      ({ client, metadata }) =>
        new Promise((resolve, reject) => {
          client.makeUnaryRequest(
            RANGE,
            encodeRangeRequest,
            (answer) => new RangePage(answer),
            request,
            metadata,
            options,
            (error, page) => {
              if (error !== null) reject(error);
              else if (page !== undefined) resolve(page);
            },
          );
        }),
    );
  }

  /** Makes the next call log in again: what etcd knew of the user at the last time is out of date. */
  forgetToken(): void {
    // The package offers no other way than to fail a call with an error of its own.
    const pool = this.pool as unknown as { readonly authenticator: { invalidateMetadata(): void } };
    pool.authenticator.invalidateMetadata();
  }
}
