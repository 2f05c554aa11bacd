import type { Fence, Leadership } from '../overlay-log.js';
import type { EtcdLease } from './etcd-lease.js';

/** Leadership as long as its lease. */
export class EtcdLeadership implements Leadership {
  readonly fence: Fence;
  readonly #lease: EtcdLease;

  constructor(fence: Fence, lease: EtcdLease) {
    this.fence = fence;
    this.#lease = lease;
  }

  get lost(): AbortSignal {
    return this.#lease.ended;
  }

  isOver(): boolean {
    return this.#lease.expired;
  }

  resign(): Promise<void> {
    return this.#lease.revoke();
  }
}
