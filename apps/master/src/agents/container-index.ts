import type { Container } from '@overlay/contracts';
import type { NodeId } from '@overlay/model';

/** Which agents reported a container, by its id and by its addresses. */
export class ContainerIndex {
  readonly #nodes = new Map<string, Set<NodeId>>();

  /** Takes over what an agent reports in place of what it reported before. Work is that of the two lists. */
  replace(node: NodeId, before: readonly Container[], after: readonly Container[]): void {
    const gone = new Set(before.flatMap(namesOf));
    for (const name of after.flatMap(namesOf)) {
      if (gone.delete(name)) continue;
      const nodes = this.#nodes.get(name) ?? new Set();
      nodes.add(node);
      this.#nodes.set(name, nodes);
    }
    for (const name of gone) this.#remove(name, node);
  }

  /** The agents that reported a container with this id or address, in the spelling of the reports. */
  nodesWith(name: string): readonly NodeId[] {
    return [...(this.#nodes.get(name) ?? [])];
  }

  #remove(name: string, node: NodeId): void {
    const nodes = this.#nodes.get(name);
    nodes?.delete(node);
    if (nodes?.size === 0) this.#nodes.delete(name);
  }
}

function namesOf({ containerId, ip, ip6 }: Container): readonly string[] {
  return [containerId, ip, ip6].filter((name) => name !== '');
}
