import { setTimeout as sleep } from 'node:timers/promises';
import type { EtcdMembers } from './etcd-members.js';
import { renewLease } from './renew-lease.js';

const RETRY_MS = 100;
/** Of the usual timeout: what cannot be revoked now goes by itself when its time is over. */
const REVOKE_PATIENCE = 1 / 6;

/** How a lease lives. */
export interface LeaseTerms {
  readonly ttlSeconds: number;
  readonly monotonicMs: () => number;
}

/**
 * A lease that is renewed three times in its life. It counts as lost as soon as etcd may have ended it: when a
 * renewal was not answered within its life, measured from before the last answered one was sent.
 */
export class EtcdLease {
  readonly id: string;
  readonly #members: EtcdMembers;
  readonly #terms: LeaseTerms;
  readonly #end = new AbortController();
  #validUntilMs: number;
  #watchdog: NodeJS.Timeout;
  #revoked: Promise<void> | undefined;

  /**
   * Grants a lease and keeps it.
   * @throws OverlayError what `EtcdMembers.call` says. One that is granted after the signal aborted goes by itself.
   */
  static async grant(members: EtcdMembers, terms: LeaseTerms, signal: AbortSignal): Promise<EtcdLease> {
    const sentAtMs = terms.monotonicMs();
    const { ID, TTL } = await members.call({
      doing: 'campaign for',
      repeatable: true,
      signal,
      run: (client, options) => client.leaseClient.leaseGrant({ TTL: terms.ttlSeconds }, options),
    });
    return new EtcdLease(members, terms, ID, sentAtMs + Number(TTL) * 1_000);
  }

  private constructor(members: EtcdMembers, terms: LeaseTerms, id: string, validUntilMs: number) {
    this.#members = members;
    this.#terms = terms;
    this.id = id;
    this.#validUntilMs = validUntilMs;
    this.#watchdog = this.#watch();
    void this.#keep();
  }

  /** Aborts when the lease is lost, given up or {@link expired}. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  /** True if the lease ended, also if only its time is over and no timer had a chance to say so yet. */
  get expired(): boolean {
    if (this.#terms.monotonicMs() >= this.#validUntilMs) this.end();
    return this.#end.signal.aborted;
  }

  /** Stops the renewals; etcd drops the lease when its time is over. Repeatable. */
  end(): void {
    clearTimeout(this.#watchdog);
    this.#end.abort();
  }

  /** Ends the lease and what stands under it in etcd at once, if etcd answers soon. Repeatable. */
  revoke(): Promise<void> {
    this.end();
    this.#revoked ??= this.#revoke();
    return this.#revoked;
  }

  async #revoke(): Promise<void> {
    const { id } = this;
    const call = this.#members.call({
      doing: 'resign from',
      repeatable: true,
      patience: REVOKE_PATIENCE,
      run: (client, options) => client.leaseClient.leaseRevoke({ ID: id }, options),
    });
    // A lease that cannot be revoked is gone already, or goes when its time is over.
    await call.catch(() => undefined);
  }

  async #keep(): Promise<void> {
    const { signal } = this.#end;
    const beatMs = Math.floor((this.#terms.ttlSeconds * 1_000) / 3);
    let waitMs = beatMs;
    for (;;) {
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      if (this.expired) return;
      waitMs = (await this.#renew(Math.floor(beatMs / 2))) ? beatMs : RETRY_MS;
    }
  }

  async #renew(timeoutMs: number): Promise<boolean> {
    const sentAtMs = this.#terms.monotonicMs();
    try {
      const ttlSeconds = await renewLease(this.#members, this.id, timeoutMs);
      if (ttlSeconds <= 0) this.end();
      if (this.expired) return false;
      this.#validUntilMs = sentAtMs + ttlSeconds * 1_000;
      clearTimeout(this.#watchdog);
      this.#watchdog = this.#watch();
      return true;
    } catch {
      return false;
    }
  }

  #watch(): NodeJS.Timeout {
    const check = (): void => {
      if (!this.expired) this.#watchdog = this.#watch();
    };
    return setTimeout(check, this.#validUntilMs - this.#terms.monotonicMs());
  }
}
