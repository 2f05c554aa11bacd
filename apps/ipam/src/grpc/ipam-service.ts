import {
  IpamServiceService,
  type IpamServiceWatchCapacityResponse,
  type ListAllocationsRequest,
  type ListReservationsRequest,
} from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import type { NetworkName } from '@overlay/model';
import { type HandlersOf, type InternalErrorListener, implementService, type RpcService } from '@overlay/rpc';
import type { Clock } from '@overlay/service';
import type { AddressBook } from '../allocation/address-book.js';
import { capacityOf } from '../allocation/capacity.js';
import { requireKnownNetwork } from '../allocation/known-network.js';
import { planAllocation } from '../allocation/plan-allocation.js';
import { planPools } from '../allocation/plan-pools.js';
import { type CooldownPolicy, planRelease } from '../allocation/plan-release.js';
import { planReservation, planUnreservation } from '../allocation/plan-reservation.js';
import { allocationList, type PageRequest, pageOf, reservationList } from '../allocation/record-page.js';
import { type ReservationRecord, remainingMs } from '../allocation/reservation.js';
import { type CapacityWatch, watchCapacity } from '../allocation/watch-capacity.js';
import type { Namespaces } from '../collection/namespaces.js';
import type { HostClock } from '../host-clock.js';
import type { OperationMeter } from '../ipam-metrics.js';
import { allocationMessage, capacityMessage, poolMessage, reservationMessage } from './messages.js';
import {
  parseAllocationWish,
  parseNetworkFilter,
  parseOwnedHalf,
  parsePools,
  parseReservationRef,
  parseReservationWish,
} from './requests.js';

/** What the gRPC service is made of. */
export interface IpamServiceDeps {
  readonly book: AddressBook;
  readonly meter: OperationMeter;
  readonly clock: HostClock;
  /** What pauses of the capacity stream are measured with. */
  readonly timer: Pick<Clock, 'sleep'>;
  readonly cooldown: CooldownPolicy;
  readonly namespaces: Namespaces;
  /** As for CNI: a deletion that was queued before is done before an address is given out, and calls keep their order. */
  readonly settleDeletions: () => Promise<void>;
  readonly onInternalError: InternalErrorListener;
}

/** `overlay.v1.IpamService`. */
export function createIpamService({
  book,
  meter,
  clock,
  timer,
  cooldown,
  namespaces,
  settleDeletions,
  onInternalError,
}: IpamServiceDeps): RpcService {
  const handlers: HandlersOf<typeof IpamServiceService> = {
    configurePools: async ({ pools }) => {
      const wanted = parsePools(pools);
      const present = await book.change((state) => planPools(state, wanted));
      return { pools: present.map(poolMessage) };
    },
    allocate: (request, call) =>
      meter.measure('allocate', 'grpc', async () => {
        await settleDeletions();
        const moment = { at: clock.instant(), cooldown };
        const asked = parseAllocationWish(request);
        const { networkNamespace } = asked;
        const namespaceSeen = networkNamespace !== undefined && namespaces.lives(networkNamespace);
        const framework = { ownerKind: 'framework', namespaceSeen } as const;
        const wish = { ...asked, ...framework, nowMs: clock.nowMs(), ...moment };
        const record = await book.change((state) => {
          if (call.signal.aborted) throw new OverlayError('aborted', 'the caller has gone');
          return planAllocation(state, wish);
        });
        return { allocation: allocationMessage(record) };
      }),
    release: (request) =>
      meter.measure('release', 'grpc', async () => {
        const place = parseOwnedHalf(request);
        // Behind an Allocate that came before; a queue that cannot be read keeps no address from being given back.
        await settleDeletions().catch(() => undefined);
        const released = await book.change((state) =>
          planRelease(state, { ...place, at: clock.instant(), cooldown }),
        );
        return { releasedIps: [...released] };
      }),
    reserve: (request) =>
      meter.measure('reserve', 'grpc', async () => {
        const at = clock.instant();
        const wish = { ...parseReservationWish(request), at, nowMs: clock.nowMs() };
        const record = await book.change((state) => planReservation(state, wish));
        return { ips: [...record.addresses], expiresAtMs: endOf(clock, record) };
      }),
    unreserve: (request) =>
      meter.measure('unreserve', 'grpc', async () => {
        const ref = parseReservationRef(request);
        await book.change((state) => planUnreservation(state, ref, { at: clock.instant(), cooldown }));
        return {};
      }),
    listReservations: async (request) => {
      const wanted = wantedPage(request);
      const page = await book.read((state) => {
        requireKnownNetwork(state, wanted.network);
        const { records, nextPageToken } = pageOf(reservationList(state), wanted);
        const messages = records.map((record) => {
          const [holder] = record.addresses.flatMap((address) => state.holderOf(address) ?? []);
          return reservationMessage(record, endOf(clock, record), holder?.owner);
        });
        return { messages, nextPageToken };
      });
      return { reservations: [...page.messages], nextPageToken: page.nextPageToken };
    },
    listAllocations: async (request) => {
      const wanted = wantedPage(request);
      const page = await book.read((state) => {
        requireKnownNetwork(state, wanted.network);
        return pageOf(allocationList(state), wanted);
      });
      return { allocations: page.records.map(allocationMessage), nextPageToken: page.nextPageToken };
    },
    getCapacity: async ({ network: text }) => {
      const network = parseNetworkFilter(text);
      const moment = { at: clock.instant(), cooldownMs: cooldown.cooldownMs };
      const rows = await book.read((state) => {
        requireKnownNetwork(state, network);
        return capacityOf(state, moment, network);
      });
      return { capacities: rows.map(capacityMessage) };
    },
    // Whoever watches may have come before the agent has configured the network.
    watchCapacity: ({ network: text }, { signal }) => {
      const network = parseNetworkFilter(text);
      return capacityMessages({
        book,
        clock: timer,
        hostClock: clock,
        cooldownMs: cooldown.cooldownMs,
        ...(network === undefined ? {} : { network }),
        signal,
      });
    },
  };
  return implementService(IpamServiceService, handlers, onInternalError);
}

/** Unix milliseconds at which a reservation ends; 0 without end. */
function endOf(clock: HostClock, record: ReservationRecord): bigint {
  const remaining = remainingMs(record, clock.instant());
  return remaining === undefined ? 0n : BigInt(clock.nowMs() + remaining);
}

interface WantedPage extends PageRequest {
  readonly network?: NetworkName;
}

function wantedPage(request: ListAllocationsRequest | ListReservationsRequest): WantedPage {
  const { pageSize, pageToken } = request;
  const network = parseNetworkFilter(request.network);
  return { ...(network === undefined ? {} : { network }), pageSize, pageToken };
}

async function* capacityMessages(watch: CapacityWatch): AsyncGenerator<IpamServiceWatchCapacityResponse> {
  for await (const rows of watchCapacity(watch)) yield { capacities: rows.map(capacityMessage) };
}
