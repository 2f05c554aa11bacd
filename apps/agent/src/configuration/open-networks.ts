import type { AgentNetwork } from '@overlay/contracts';

/**
 * Ids of the networks that the kernel may let everything into and out of, after it was described: those that shall be
 * open, and those that shall be isolated but were open before, or failed, and are not known to be closed since. What no
 * description has brought up yet is not open: nothing of it is there.
 * @param before the networks that may have been open before
 * @param failed ids of those that overlay-dataplane failed; undefined if it did not take the description
 */
export function planOpenNetworks(
  networks: readonly AgentNetwork[],
  before: ReadonlySet<string>,
  failed: ReadonlySet<string> | undefined,
): ReadonlySet<string> {
  const unclosed = failed ?? before;
  const open = networks.filter(
    ({ networkId, network }) => network?.isolated !== true || unclosed.has(networkId),
  );
  return new Set(open.map(({ networkId }) => networkId));
}

/** The networks that shall be isolated and may be open. */
export function exposedNetworks(
  networks: readonly AgentNetwork[],
  open: ReadonlySet<string>,
): readonly AgentNetwork[] {
  return networks.filter(({ networkId, network }) => network?.isolated === true && open.has(networkId));
}
