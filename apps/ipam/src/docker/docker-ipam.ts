import { OverlayError, toOverlayError } from '@overlay/failure';
import type { AddressBook } from '../allocation/address-book.js';
import type { IpamState } from '../allocation/ipam-state.js';
import {
  planDockerAddress,
  planDockerRelease,
  planForgottenEndpoint,
  requireDockerPool,
} from '../allocation/plan-docker-address.js';
import type { CooldownPolicy } from '../allocation/plan-release.js';
import type { Plan } from '../allocation/records.js';
import type { HostClock } from '../host-clock.js';
import type { OperationMeter } from '../ipam-metrics.js';
import {
  type DockerEndpointWish,
  parseAddressRelease,
  parseEndpointRequest,
  parsePoolRequest,
  poolId,
} from './docker-requests.js';
import type { DockerAnswer } from './docker-routes.js';

/** What Docker's requests are answered with. */
export interface DockerIpamDeps {
  readonly book: AddressBook;
  readonly meter: OperationMeter;
  readonly clock: HostClock;
  readonly cooldown: CooldownPolicy;
}

/**
 * The part of Docker's IPAM plugin protocol (moby, libnetwork/docs/ipam.md) that needs the addresses; the rest, and
 * what makes every answer come in time, is overlay-docker-ipam's. Beside the protocol there is `ForgetAddress`, which
 * takes the request of an endpoint whose answer Docker never got.
 */
export class DockerIpam {
  readonly #deps: DockerIpamDeps;

  constructor(deps: DockerIpamDeps) {
    this.#deps = deps;
  }

  /**
   * Answers `/IpamDriver.METHOD`. Never rejects: a failure is `{Error, Code}`. What nobody waits for any more changes
   * nothing.
   * @param untilMs the host's uptime until which the caller waits
   */
  async answer(method: string, body: unknown, untilMs: number): Promise<DockerAnswer> {
    try {
      return await this.#perform(method, body, untilMs);
    } catch (thrown) {
      const { message, code } = toOverlayError(thrown);
      return { Error: `overlay-ipam: ${message}`, Code: code };
    }
  }

  async #perform(method: string, body: unknown, untilMs: number): Promise<DockerAnswer> {
    const { book, meter } = this.#deps;
    switch (method) {
      case 'IpamDriver.RequestPool': {
        const prefix = parsePoolRequest(body);
        const [half] = await book.read((state) => requireDockerPool(state, { prefix }));
        return { PoolID: poolId({ network: half.definition.network, prefix }), Pool: prefix, Data: {} };
      }
      case 'IpamDriver.RequestAddress': {
        const wish = parseEndpointRequest(body);
        return meter.measure('allocate', 'docker', () => this.#requestAddress(wish, untilMs));
      }
      case 'IpamDriver.ReleaseAddress': {
        const { pool, ip } = parseAddressRelease(body);
        await meter.measure('release', 'docker', () =>
          this.#change(untilMs, (state) => planDockerRelease(state, pool, ip, this.#moment())),
        );
        return {};
      }
      case 'IpamDriver.ForgetAddress': {
        const { pool, owner } = parseEndpointRequest(body);
        await meter.measure('release', 'docker', () =>
          this.#change(untilMs, (state) => planForgottenEndpoint(state, pool, owner, this.#moment())),
        );
        return {};
      }
      default:
        throw new OverlayError('unimplemented', `${method} is no method of an IPAM plugin`);
    }
  }

  async #requestAddress(wish: DockerEndpointWish, untilMs: number): Promise<DockerAnswer> {
    const { pool, owner, wanted } = wish;
    const named = wanted === undefined ? {} : { wanted };
    const record = await this.#change(untilMs, (state) =>
      planDockerAddress(state, { pool, owner, ...named, ...this.#moment(), nowMs: this.#deps.clock.nowMs() }),
    );
    const [held] = record.addresses;
    if (held === undefined) throw new OverlayError('internal', `${owner.containerId} got no address`);
    return { Address: held.address, Data: {} };
  }

  /**
   * Changes nothing after `untilMs`: by then Docker was told of a failure, and the address may be dealt with otherwise.
   * A stopped process finds such requests when it goes on.
   */
  #change<T>(untilMs: number, plan: (state: IpamState) => Plan<T>): Promise<T> {
    const { book, clock } = this.#deps;
    return book.change((state) => {
      if (clock.instant().uptimeMs < untilMs) return plan(state);
      throw new OverlayError('deadline_exceeded', 'nobody waits for the answer any more');
    });
  }

  #moment() {
    const { clock, cooldown } = this.#deps;
    return { at: clock.instant(), cooldown };
  }
}
