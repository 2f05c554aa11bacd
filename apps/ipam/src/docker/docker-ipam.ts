import { addressInPrefix, interfaceIp } from '@overlay/allocation';
import { OverlayError, toOverlayError } from '@overlay/failure';
import type { Clock } from '@overlay/service';
import type { AddressBook } from '../allocation/address-book.js';
import {
  planDockerAddress,
  planDockerRelease,
  requireDockerPool,
} from '../allocation/plan-docker-address.js';
import type { CooldownPolicy } from '../allocation/plan-release.js';
import type { HostClock } from '../host-clock.js';
import type { OperationMeter } from '../ipam-metrics.js';
import {
  type DockerWish,
  parseAddressRelease,
  parseAddressRequest,
  parsePoolRelease,
  parsePoolRequest,
  poolId,
} from './docker-requests.js';

/** What Docker's requests are answered with. */
export interface DockerIpamDeps {
  readonly book: AddressBook;
  readonly meter: OperationMeter;
  readonly clock: HostClock;
  readonly timer: Pick<Clock, 'sleep'>;
  readonly cooldown: CooldownPolicy;
}

/** An answer of the plugin protocol. */
export type DockerAnswer = Readonly<Record<string, unknown>>;

/** dockerd waits serially and without end for a plugin that is silent: nobody waits longer than this. */
const ANSWER_WITHIN_MS = 4000;

/** Docker's IPAM plugin protocol (moby, libnetwork/docs/ipam.md). */
export class DockerIpam {
  readonly #timer: Pick<Clock, 'sleep'>;
  readonly #ready: Promise<DockerIpamDeps>;
  /** The last request of each endpoint that is waiting for its address. */
  readonly #latest = new Map<string, symbol>();

  /** @param ready what addresses are given out of, when it is loaded: until then only the handshake is answered. */
  constructor(timer: Pick<Clock, 'sleep'>, ready: Promise<DockerIpamDeps>) {
    this.#timer = timer;
    this.#ready = ready;
  }

  /** Answers `/Plugin.Activate` or `/IpamDriver.METHOD`. Never rejects: a failure is `{Error}`. */
  async answer(method: string, body: unknown): Promise<DockerAnswer> {
    const over = new AbortController();
    try {
      return await Promise.race([this.#perform(method, body, over.signal), this.#tooLate(over.signal)]);
    } catch (thrown) {
      return { Error: `overlay-ipam: ${toOverlayError(thrown).message}` };
    } finally {
      over.abort();
    }
  }

  async #tooLate(over: AbortSignal): Promise<never> {
    await this.#timer.sleep(ANSWER_WITHIN_MS, over);
    throw new OverlayError('deadline_exceeded', 'the address store is slow or still loading; try again');
  }

  async #perform(method: string, body: unknown, over: AbortSignal): Promise<DockerAnswer> {
    switch (method) {
      case 'Plugin.Activate':
        return { Implements: ['IpamDriver'] };
      case 'IpamDriver.GetCapabilities':
        // With the MAC address a repeated request is known.
        return { RequiresMACAddress: true, RequiresRequestReplay: false };
      case 'IpamDriver.GetDefaultAddressSpaces':
        return { LocalDefaultAddressSpace: 'overlay-local', GlobalDefaultAddressSpace: 'overlay-global' };
      case 'IpamDriver.RequestPool': {
        const prefix = parsePoolRequest(body);
        const { book } = await this.#ready;
        const [half] = await book.read((state) => requireDockerPool(state, { prefix }));
        return { PoolID: poolId({ network: half.definition.network, prefix }), Pool: prefix, Data: {} };
      }
      case 'IpamDriver.ReleasePool':
        parsePoolRelease(body);
        return {};
      case 'IpamDriver.RequestAddress':
        return this.#requestAddress(parseAddressRequest(body), over);
      case 'IpamDriver.ReleaseAddress': {
        const { pool, ip } = parseAddressRelease(body);
        const { book, meter, clock, cooldown } = await this.#ready;
        await meter.measure('release', 'docker', () =>
          book.change((state) => planDockerRelease(state, pool, ip, { at: clock.instant(), cooldown })),
        );
        return {};
      }
      default:
        throw new OverlayError('unimplemented', `${method} is no method of an IPAM plugin`);
    }
  }

  async #requestAddress(wish: DockerWish, over: AbortSignal): Promise<DockerAnswer> {
    const { book, meter, clock, cooldown } = await this.#ready;
    if (wish.kind === 'gateway') {
      const [, { prefix, gateway }] = await book.read((state) => requireDockerPool(state, wish.pool));
      if (wish.wanted === undefined || wish.wanted === gateway) {
        return { Address: addressInPrefix(gateway, prefix), Data: {} };
      }
      const message = `the gateway of ${prefix} is ${gateway}, not ${wish.wanted}; leave --gateway away`;
      throw new OverlayError('invalid_argument', message);
    }
    const { pool, owner, wanted } = wish;
    const endpoint = `${poolId(pool)}/${owner.containerId}`;
    const request = Symbol(endpoint);
    this.#latest.set(endpoint, request);
    const isLatest = () => this.#latest.get(endpoint) === request;
    let isNew = false;
    try {
      const record = await meter.measure('allocate', 'docker', () =>
        book.change((state) => {
          const moment = { at: clock.instant(), cooldown, nowMs: clock.nowMs() };
          const named = wanted === undefined ? {} : { wanted };
          const plan = planDockerAddress(state, { pool, owner, ...named, ...moment });
          isNew = plan.mutations.length > 0;
          return plan;
        }),
      );
      const [held] = record.addresses;
      if (held === undefined) throw new OverlayError('internal', `${endpoint} got no address`);
      if (over.aborted && isNew) {
        // Docker was told of a failure and does not know the address, unless it asked anew meanwhile.
        const ip = interfaceIp(held.address);
        await book.change((state) => {
          const moment = { at: clock.instant(), cooldown };
          return isLatest() ? planDockerRelease(state, pool, ip, moment) : { mutations: [], answer: false };
        });
      }
      return { Address: held.address, Data: {} };
    } finally {
      if (isLatest()) this.#latest.delete(endpoint);
    }
  }
}
