import type { MacAddress } from '@overlay/allocation';
import type { BridgeLink, KernelObject } from '../kernel/kernel-object.js';
import { mayAdopt } from './plan-changes.js';

/**
 * The MAC of each bridge: the one it had when this process saw it first, else the planned one. Containers have it in
 * their neighbour tables, so a bridge that was there keeps it, and gets it back when somebody changes it.
 * A bridge without our alias was just made by a CNI plugin; it keeps the MAC that came with it.
 */
export class BridgeMacs {
  readonly #macs = new Map<string, MacAddress>();

  /** The wanted objects, each bridge with its MAC. Bridges that are no longer wanted are forgotten. */
  pin(wanted: readonly KernelObject[], present: readonly KernelObject[]): readonly KernelObject[] {
    const bridges = new Map(
      wanted.filter(isBridge).map((bridge): [string, MacAddress] => [bridge.name, bridge.mac]),
    );
    for (const name of this.#macs.keys()) if (!bridges.has(name)) this.#macs.delete(name);
    for (const bridge of present.filter(isBridge)) {
      if (!bridges.has(bridge.name) || !mayAdopt(bridge)) continue;
      if (bridge.alias === '') this.#macs.set(bridge.name, bridge.mac);
      else bridges.set(bridge.name, bridge.mac);
    }
    for (const [name, mac] of bridges) if (!this.#macs.has(name)) this.#macs.set(name, mac);
    return wanted.map((object) =>
      isBridge(object) ? { ...object, mac: this.#macs.get(object.name) ?? object.mac } : object,
    );
  }
}

function isBridge(object: KernelObject): object is BridgeLink {
  return object.kind === 'link' && object.type === 'bridge';
}
