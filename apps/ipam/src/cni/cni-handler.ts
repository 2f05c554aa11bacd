import { containsAddress, isIpAddress, parseIpAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import type { AddressBook } from '../allocation/address-book.js';
import { requireLeft } from '../allocation/choose-address.js';
import type { IpamState } from '../allocation/ipam-state.js';
import type { Owner } from '../allocation/owner.js';
import { planAllocation, requirePool } from '../allocation/plan-allocation.js';
import { planGarbage } from '../allocation/plan-collection.js';
import { type CooldownPolicy, planRelease } from '../allocation/plan-release.js';
import { type AllocationRecord, allocationKey, type HalfRef, type Plan } from '../allocation/records.js';
import type { Namespaces } from '../collection/namespaces.js';
import type { HostClock } from '../host-clock.js';
import type { OperationMeter } from '../ipam-metrics.js';
import { type CniCall, type CniEnvironment, parseCniCall } from './cni-call.js';
import { type CniErrorObject, cniErrorOf } from './cni-error.js';
import { renderAddResult, renderVersionResult } from './cni-result.js';

/** What the plugin prints: a result (nothing after DEL, CHECK, GC and STATUS), or an error object. */
export type CniAnswer =
  | { readonly ok: true; readonly result: Readonly<Record<string, unknown>> | undefined }
  | { readonly ok: false; readonly error: CniErrorObject };

/** What CNI calls are answered with. */
export interface CniHandlerDeps {
  readonly book: AddressBook;
  readonly meter: OperationMeter;
  readonly clock: HostClock;
  readonly cooldown: CooldownPolicy;
  readonly namespaces: Namespaces;
  /** Performs what is queued of deletions. Rejects with an OverlayError `unavailable` if that cannot be done. */
  readonly settleDeletions: () => Promise<void>;
}

/** Who waits for the answer to a call. */
export interface CniCaller {
  /** Unix milliseconds: by then nobody waits any more. */
  readonly untilMs: number;
  /** True once the caller has gone without waiting for the answer. */
  readonly isGone: () => boolean;
}

/** What limits a call. */
interface CallTerms extends CniCaller {
  /** Unix milliseconds: a deletion frees what was allocated until then; without it, whatever is held. */
  readonly allocatedUntilMs?: number;
}

/** Waits for as long as it takes. */
const PATIENT: CniCaller = { untilMs: Number.POSITIVE_INFINITY, isGone: () => false };

/** The kernel stamps files with the time of its last tick, which may lie a little back. */
const FILE_TIME_LAG_MS = 10;

/**
 * Performs a deletion that was written down at `queuedAtMs` (Unix milliseconds), unless the container was added
 * again since. Never rejects.
 */
export function handleQueuedDeletion(
  environment: CniEnvironment,
  stdin: string,
  queuedAtMs: number,
  deps: CniHandlerDeps,
): Promise<CniAnswer> {
  const allocatedUntilMs = queuedAtMs + FILE_TIME_LAG_MS;
  // What is of the queue must not wait for it.
  const queued = { ...deps, settleDeletions: async () => undefined };
  return answer(environment, stdin, queued, { ...PATIENT, allocatedUntilMs });
}

/**
 * Answers a call of the plugin. Never rejects: whatever fails becomes an error object. Nothing changes once it is
 * `untilMs`: by then the plugin has given up or queued its deletion, and a daemon that was stopped finds such calls when
 * it goes on. A wall clock that jumps costs a call that is to be tried again. Calls of one container are performed in
 * the order in which they came, and an ADD not at all once its caller is gone: whoever killed it has no address of it.
 */
export function handleCniCall(
  environment: CniEnvironment,
  stdin: string,
  deps: CniHandlerDeps,
  caller: CniCaller = PATIENT,
): Promise<CniAnswer> {
  return answer(environment, stdin, deps, caller);
}

async function answer(
  environment: CniEnvironment,
  stdin: string,
  deps: CniHandlerDeps,
  terms: CallTerms,
): Promise<CniAnswer> {
  const reading = parseCniCall(environment, stdin);
  if (!reading.ok) return reading;
  try {
    return { ok: true, result: await perform(reading.call, deps, terms) };
  } catch (thrown) {
    const stage = reading.call.command === 'STATUS' ? 'status' : 'work';
    return { ok: false, error: cniErrorOf(thrown, stage, reading.call.version) };
  }
}

async function perform(
  call: CniCall,
  { book, meter, clock, cooldown, namespaces, settleDeletions }: CniHandlerDeps,
  { untilMs, isGone, allocatedUntilMs }: CallTerms,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const change = <T>(plan: (state: IpamState) => Plan<T>): Promise<T> =>
    book.change((state) => {
      if (clock.nowMs() < untilMs) return plan(state);
      throw new OverlayError('deadline_exceeded', 'nobody waits for the answer any more');
    });
  if (call.command === 'VERSION') return renderVersionResult(call.version);
  if (call.network === undefined) return undefined;
  const half = { network: call.network, half: 'cni' } as const;
  if (call.command === 'STATUS') {
    await book.read((state) => requireLeft(requirePool(state, half)));
    return undefined;
  }
  if (call.command === 'GC') {
    const { validAttachments } = call;
    const moment = () => ({ at: clock.instant(), cooldown });
    await meter.measure('collect', 'cni', () =>
      change((state) => planGarbage(state, half, validAttachments, moment())),
    );
    return undefined;
  }
  const { owner } = call;
  switch (call.command) {
    case 'ADD': {
      // A container that comes again keeps what it holds: a deletion that was queued before has to be done by then.
      await settleDeletions();
      const { networkNamespace, requestedIps, reservation, labels } = call;
      const moment = { at: clock.instant(), cooldown };
      const namespaceSeen = namespaces.lives(networkNamespace);
      const place = { ...half, owner, networkNamespace, namespaceSeen };
      const named = reservation === undefined ? {} : { reservation };
      const wish = { ...place, ...named, requestedIps, labels, nowMs: clock.nowMs(), ...moment };
      const add = () =>
        change((state) => {
          if (isGone()) throw new OverlayError('aborted', 'the caller has gone');
          return planAllocation(state, wish);
        });
      return renderAddResult(call.version, await meter.measure('allocate', 'cni', add));
    }
    case 'DEL':
      // An ADD of the container that came before waits for the queue, and has to be planned first. A queue that
      // cannot be read keeps no address from being given back.
      await settleDeletions().catch(() => undefined);
      await meter.measure('release', 'cni', () =>
        change((state) => {
          const until =
            allocatedUntilMs === undefined
              ? {}
              : { allocatedUntil: { atMs: allocatedUntilMs, nowMs: clock.nowMs() } };
          return planRelease(state, { ...half, owner, ...until, at: clock.instant(), cooldown });
        }),
      );
      return undefined;
    case 'CHECK':
      await meter.measure('check', 'cni', () =>
        book.read((state) => requireHeld(state, half, owner, call.previousAddresses)),
      );
      return undefined;
  }
}

function requireHeld(
  state: IpamState,
  half: HalfRef,
  owner: Owner,
  previous: readonly string[] | undefined,
): AllocationRecord {
  const held = state.allocation(allocationKey(half, owner));
  const who = `container ${owner.containerId} interface ${owner.interface}`;
  if (held === undefined) {
    throw new OverlayError('failed_precondition', `${who} holds no address in network ${half.network}`);
  }
  if (previous === undefined) return held;
  const lost = held.addresses.find(({ address }) => !previous.includes(address));
  if (lost !== undefined) {
    const message = `${who} holds ${lost.address} in network ${half.network}, its prevResult does not say so`;
    throw new OverlayError('failed_precondition', message);
  }
  const own = held.addresses.map(({ address }) => String(address));
  const claimed = previous.find((text) => !own.includes(text) && isOfHalf(state, half, text));
  if (claimed !== undefined) {
    const message = `${who} does not hold ${claimed} in network ${half.network}, its prevResult says so`;
    throw new OverlayError('failed_precondition', message);
  }
  return held;
}

/** Whether an address of `prevResult` is one that the half gives; another plugin's is nobody's business here. */
function isOfHalf(state: IpamState, half: HalfRef, text: string): boolean {
  const [address = ''] = text.split('/');
  if (!isIpAddress(address)) return false;
  const ip = parseIpAddress(address);
  return state.pool(half)?.families.some(({ prefix }) => containsAddress(prefix, ip)) ?? false;
}
