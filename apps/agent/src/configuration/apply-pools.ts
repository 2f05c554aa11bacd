import type { AgentNetwork } from '@overlay/contracts';
import { type OverlayError, toOverlayError } from '@overlay/failure';
import type { IpamLink } from '../daemons/ipam-link.js';
import { isAway } from '../daemons/is-away.js';
import type { HalfSettings } from './cni-half.js';
import { planPools } from './plan-pools.js';

/** Ids of the networks whose pools overlay-ipam has, and of those it refused with its reasons. */
export interface AppliedPools {
  /** Undefined while it is unknown which it has: it accepted none. */
  readonly accepted: ReadonlySet<string> | undefined;
  readonly refused: ReadonlyMap<string, string>;
}

/** Tries a set of networks. Resolves with why it was refused, undefined if it was accepted. */
type Configure = (networks: readonly AgentNetwork[]) => Promise<OverlayError | undefined>;

/**
 * Gives overlay-ipam the pools of the networks. If it refuses the set, the networks are tried one after another
 * on top of those it had accepted before, so that one wrong network neither stops nor interrupts the others. While
 * it is unknown which those are, they are tried on top of all that it does not name as wrong.
 * @param before networks whose pools it accepted last time; undefined while that is unknown
 * @throws OverlayError if the daemon is away.
 */
export async function applyPools(
  ipam: IpamLink,
  networks: readonly AgentNetwork[],
  before: ReadonlySet<string> | undefined,
  settings: HalfSettings,
  signal: AbortSignal,
): Promise<AppliedPools> {
  const configure: Configure = (some) =>
    refusalOf(() => ipam.configurePools(planPools(some, settings), signal));
  const refusal = await configure(networks);
  if (refusal === undefined) {
    return { accepted: new Set(networks.map(({ networkId }) => networkId)), refused: new Map() };
  }
  let accepted =
    before === undefined
      ? await acceptUnnamed(configure, networks, refusal, settings)
      : await acceptBefore(configure, networks, before);
  const refused = new Map<string, string>();
  for (const network of networks) {
    if (accepted.includes(network)) continue;
    const reason = await configure([...accepted, network]);
    if (reason === undefined) accepted = [...accepted, network];
    else refused.set(network.networkId, reason.message);
  }
  if (before === undefined && accepted.length === 0) return { accepted: undefined, refused };
  return { accepted: new Set(accepted.map(({ networkId }) => networkId)), refused };
}

async function acceptBefore(
  configure: Configure,
  networks: readonly AgentNetwork[],
  before: ReadonlySet<string>,
): Promise<readonly AgentNetwork[]> {
  const stayed = networks.filter(({ networkId }) => before.has(networkId));
  return (await configure(stayed)) === undefined ? stayed : [];
}

/** The networks that are accepted without those that refusals name; the empty set is not tried, for it takes all away. */
async function acceptUnnamed(
  configure: Configure,
  networks: readonly AgentNetwork[],
  first: OverlayError,
  settings: HalfSettings,
): Promise<readonly AgentNetwork[]> {
  let rest = networks;
  let refusal: OverlayError | undefined = first;
  while (refusal !== undefined) {
    const named = namedBy(refusal, rest, settings);
    const left = rest.filter(({ networkId }) => !named.has(networkId));
    if (left.length === 0 || left.length === rest.length) return [];
    rest = left;
    refusal = await configure(rest);
  }
  return rest;
}

/** Ids of the networks whose pools a refusal names: `pools[3].subnet`. */
function namedBy(
  { violations }: OverlayError,
  networks: readonly AgentNetwork[],
  settings: HalfSettings,
): ReadonlySet<string> {
  const pools = planPools(networks, settings);
  const places = violations.flatMap(({ field }) => /^pools\[(\d+)\]/.exec(field)?.[1] ?? []);
  return new Set(places.flatMap((place) => pools[Number(place)]?.networkId ?? []));
}

async function refusalOf(call: () => Promise<void>): Promise<OverlayError | undefined> {
  try {
    await call();
    return undefined;
  } catch (thrown) {
    const error = toOverlayError(thrown);
    if (isAway(error)) throw error;
    return error;
  }
}
