import type { NetworkView } from '../state/cluster-view.js';

/** The networks whose name or one of whose subnets contains the text, letter case aside; '' finds all. */
export function filterNetworks(networks: readonly NetworkView[], text: string): readonly NetworkView[] {
  const wanted = text.trim().toLowerCase();
  return networks.filter(({ name, subnet, subnet6 }) =>
    [name, subnet, subnet6].some((candidate) => candidate.toLowerCase().includes(wanted)),
  );
}
