import { containsAddress } from '@overlay/allocation';
import type { FieldViolation } from '@overlay/failure';
import type { NetworkDefinition, NodeRecord } from '@overlay/model';

/**
 * What forbids a new network: an agent's underlay address lies inside it. Such an agent could not register again,
 * for its tunnel would run through itself. O(nodes), at most one violation per family.
 * @param path path of the network in the request or the configuration.
 */
export function checkUnderlay(
  definition: NetworkDefinition,
  nodes: Iterable<NodeRecord>,
  path: string,
): readonly FieldViolation[] {
  const found = new Map<string, FieldViolation>();
  const plans = [
    ['subnet', definition.ipv4],
    ['subnet6', definition.ipv6],
  ] as const;
  for (const { ip } of nodes) {
    for (const [key, plan] of plans) {
      if (plan === undefined || found.has(key) || !containsAddress(plan.subnet, ip)) continue;
      const description = `${plan.subnet} contains the underlay address ${ip} of an agent: choose another space`;
      found.set(key, { field: `${path}.${key}`, description });
    }
  }
  return [...found.values()];
}
