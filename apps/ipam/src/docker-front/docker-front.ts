import { addressInPrefix } from '@overlay/allocation';
import { OverlayError, toOverlayError } from '@overlay/failure';
import { gatewayOf } from '@overlay/model';
import type { Logger } from '@overlay/service';
import {
  type DockerGatewayWish,
  parseAddressRelease,
  parseAddressRequest,
  parsePoolRelease,
  parsePoolRequest,
} from '../docker/docker-requests.js';
import type { DockerAnswer } from '../docker/docker-routes.js';
import type { HostClock } from '../host-clock.js';
import type { IpamCaller } from './ipam-caller.js';
import type { OwedCall, OwedCalls } from './owed-calls.js';

/** What the front answers with. */
export interface DockerFrontDeps {
  readonly ipam: IpamCaller;
  readonly owed: OwedCalls;
  readonly clock: Pick<HostClock, 'instant'>;
  readonly logger: Logger;
}

/** How long Docker waits for an address at most: a slow disk is no reason to fail a container's start at once. */
const REQUEST_WITHIN_MS = 4000;

/** How long a release waits, which can be done later as well; dockerd gives back one after the other at its start. */
const RELEASE_WITHIN_MS = 2000;

/**
 * Docker's IPAM plugin protocol (moby, libnetwork/docs/ipam.md) as dockerd sees it: every answer comes within seconds,
 * whatever overlay-ipam does. dockerd tries an absent plugin for 15 s with every call, and waits for a silent one
 * without end.
 *
 * What changes addresses goes to overlay-ipam one call at a time. A release that did not come through is owed: Docker
 * is told that it is done, and no address is given before overlay-ipam has been told. So what is told late, or twice,
 * can only free what Docker held before. An address that may have been given without Docker's knowledge is owed as well.
 */
export class DockerFront {
  readonly #deps: DockerFrontDeps;
  #last: Promise<unknown> = Promise.resolve();
  /** Whether something may be owed: a process before this one may have left something. */
  #isOwing = true;

  constructor(deps: DockerFrontDeps) {
    this.#deps = deps;
  }

  /** Answers `/Plugin.Activate` or `/IpamDriver.METHOD`. Never rejects: a failure is `{Error}`. */
  async answer(method: string, body: unknown): Promise<DockerAnswer> {
    try {
      return await this.#perform(method, body);
    } catch (thrown) {
      return { Error: `overlay-docker-ipam: ${toOverlayError(thrown).message}` };
    }
  }

  /** Tells overlay-ipam what is owed, if it listens. @throws OverlayError `unavailable` if that did not work. */
  async settle(): Promise<void> {
    if (!this.#isOwing) return;
    const untilMs = this.#within(RELEASE_WITHIN_MS);
    await this.#inTurn(() => this.#settle(untilMs));
  }

  async #perform(method: string, body: unknown): Promise<DockerAnswer> {
    switch (method) {
      case 'Plugin.Activate':
        return { Implements: ['IpamDriver'] };
      case 'IpamDriver.GetCapabilities':
        // With the MAC address a repeated request is known. Without a replay dockerd starts without asking for pools.
        return { RequiresMACAddress: true, RequiresRequestReplay: false };
      case 'IpamDriver.GetDefaultAddressSpaces':
        return { LocalDefaultAddressSpace: 'overlay-local', GlobalDefaultAddressSpace: 'overlay-global' };
      case 'IpamDriver.RequestPool':
        parsePoolRequest(body);
        return this.#requirePool(method, body);
      case 'IpamDriver.ReleasePool':
        parsePoolRelease(body);
        return {};
      case 'IpamDriver.RequestAddress': {
        const wish = parseAddressRequest(body);
        if (wish.kind === 'gateway') return answerGateway(wish);
        const untilMs = this.#within(REQUEST_WITHIN_MS);
        return this.#inTurn(() => this.#requestAddress(body, untilMs));
      }
      case 'IpamDriver.ReleaseAddress': {
        parseAddressRelease(body);
        const call: OwedCall = { method, body };
        // While something is owed overlay-ipam is away: nobody has to find that out again.
        if (this.#isOwing) return this.#owe(call);
        const untilMs = this.#within(RELEASE_WITHIN_MS);
        return this.#inTurn(() => this.#release(call, untilMs));
      }
      default:
        throw new OverlayError('unimplemented', `${method} is no method of an IPAM plugin`);
    }
  }

  /** Only overlay-ipam knows which network has a prefix. Docker asks when a network is made, not when dockerd starts. */
  async #requirePool(method: string, body: unknown): Promise<DockerAnswer> {
    const outcome = await this.#deps.ipam.call(method, body, this.#within(REQUEST_WITHIN_MS));
    if (outcome.kind === 'answered') return outcome.answer;
    throw new OverlayError('unavailable', `${outcome.reason}; try again`);
  }

  async #requestAddress(body: unknown, untilMs: number): Promise<DockerAnswer> {
    while (this.#isOwing) await this.#settle(untilMs);
    const outcome = await this.#deps.ipam.call('IpamDriver.RequestAddress', body, untilMs);
    if (outcome.kind === 'answered') return outcome.answer;
    if (outcome.kind === 'unknown') await this.#owe({ method: 'IpamDriver.ForgetAddress', body });
    throw new OverlayError('unavailable', `${outcome.reason}; try again`);
  }

  async #release(call: OwedCall, untilMs: number): Promise<DockerAnswer> {
    if (this.#isOwing) return this.#owe(call);
    const outcome = await this.#deps.ipam.call(call.method, call.body, untilMs);
    const reason = outcome.kind === 'answered' ? laterReason(outcome.answer) : outcome.reason;
    if (outcome.kind === 'answered' && reason === undefined) return outcome.answer;
    this.#deps.logger.warn({ event: 'docker_release_owed', reason });
    return this.#owe(call);
  }

  async #owe(call: OwedCall): Promise<DockerAnswer> {
    await this.#deps.owed.add(call);
    this.#isOwing = true;
    return {};
  }

  async #settle(untilMs: number): Promise<void> {
    const { owed, ipam, logger } = this.#deps;
    // What is added from now on is seen by the next one.
    this.#isOwing = false;
    try {
      const calls = await owed.deliver(async ({ method, body }) => {
        const outcome = await ipam.call(method, body, untilMs);
        const reason = outcome.kind === 'answered' ? laterReason(outcome.answer) : outcome.reason;
        if (reason !== undefined) throw new OverlayError('unavailable', `${reason}; try again`);
        return outcome.kind === 'answered' ? errorOf(outcome.answer) : undefined;
      });
      if (calls > 0) logger.info({ event: 'docker_releases_settled', calls });
    } catch (thrown) {
      this.#isOwing = true;
      throw thrown;
    }
  }

  /** Runs behind everything that was asked before. */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#last.then(run);
    this.#last = result.catch(() => undefined);
    return result;
  }

  #within(durationMs: number): number {
    return this.#deps.clock.instant().uptimeMs + durationMs;
  }
}

function answerGateway({ pool: { prefix }, wanted }: DockerGatewayWish): DockerAnswer {
  const gateway = gatewayOf(prefix);
  if (wanted === undefined || wanted === gateway) {
    return { Address: addressInPrefix(gateway, prefix), Data: {} };
  }
  const message = `the gateway of ${prefix} is ${gateway}, not ${wanted}; leave --gateway away`;
  throw new OverlayError('invalid_argument', message);
}

function errorOf({ Error: error }: DockerAnswer): string | undefined {
  return typeof error === 'string' ? error : undefined;
}

/** Why overlay-ipam could not do now what it may do later; undefined if it did it or never will. */
function laterReason(answer: DockerAnswer): string | undefined {
  const isLater = answer.Code === 'unavailable' || answer.Code === 'deadline_exceeded';
  return isLater ? errorOf(answer) : undefined;
}
