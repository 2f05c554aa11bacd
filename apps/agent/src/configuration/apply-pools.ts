import type { AgentNetwork } from '@overlay/contracts';
import { toOverlayError } from '@overlay/failure';
import type { IpamLink } from '../daemons/ipam-link.js';
import { isAway } from '../daemons/is-away.js';
import type { HalfSettings } from './cni-half.js';
import { planPools } from './plan-pools.js';

/** Ids of the networks whose pools overlay-ipam has, and of those it refused with its reasons. */
export interface AppliedPools {
  readonly accepted: ReadonlySet<string>;
  readonly refused: ReadonlyMap<string, string>;
}

/**
 * Gives overlay-ipam the pools of the networks. If it refuses the set, the networks are tried one after another
 * on top of those it had accepted before, so that one wrong network neither stops nor interrupts the others.
 * @param before networks whose pools it accepted last time
 * @throws OverlayError if the daemon is away.
 */
export async function applyPools(
  ipam: IpamLink,
  networks: readonly AgentNetwork[],
  before: ReadonlySet<string>,
  settings: HalfSettings,
  signal: AbortSignal,
): Promise<AppliedPools> {
  const configure = (some: readonly AgentNetwork[]) =>
    refusalOf(() => ipam.configurePools(planPools(some, settings), signal));
  if ((await configure(networks)) === undefined) {
    return { accepted: new Set(networks.map(({ networkId }) => networkId)), refused: new Map() };
  }
  let accepted = networks.filter(({ networkId }) => before.has(networkId));
  if ((await configure(accepted)) !== undefined) accepted = [];
  const refused = new Map<string, string>();
  for (const network of networks) {
    if (accepted.includes(network)) continue;
    const refusal = await configure([...accepted, network]);
    if (refusal === undefined) accepted = [...accepted, network];
    else refused.set(network.networkId, refusal);
  }
  return { accepted: new Set(accepted.map(({ networkId }) => networkId)), refused };
}

async function refusalOf(call: () => Promise<void>): Promise<string | undefined> {
  try {
    await call();
    return undefined;
  } catch (thrown) {
    const error = toOverlayError(thrown);
    if (isAway(error)) throw error;
    return error.message;
  }
}
