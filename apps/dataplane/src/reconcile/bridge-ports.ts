import type { BridgePort } from '../kernel/kernel-object.js';
import type { Cabling, VethState } from '../kernel/kernel-tables.js';

interface KnownPort {
  readonly index: number;
  readonly bridge: string;
  readonly bridgeIndex: number;
  readonly hairpin: boolean;
}

/** What a CNI plugin calls the host's end of a pair. */
const RUNTIME_VETH = /^veth[0-9a-f]{8}$/;

/**
 * Which devices are ports of our bridges. A bridge that somebody deletes sets its ports free, and one that is made anew
 * has none: the containers would be cut off for good. What was last seen on a bridge is plugged into the bridge that
 * takes its place. A port that was taken off a bridge that is still there was taken off on purpose and is forgotten.
 */
export class BridgePorts {
  readonly #ports = new Map<string, KnownPort>();
  /** Devices that were without a bridge when a bridge was missing and nothing was known yet. */
  #strays: ReadonlySet<string> = new Set();
  #started = false;

  /**
   * Takes what is plugged where now.
   * @param wanted names of the bridges that shall be there
   * @param touched the devices that `cabling` is about; absent: it is about all
   * @returns the ports that they shall have, of those that it is about
   */
  follow(
    cabling: Cabling,
    wanted: ReadonlySet<string>,
    touched?: ReadonlySet<string>,
  ): readonly BridgePort[] {
    const known = touched === undefined ? [...this.#ports] : this.#portsAmong(touched);
    const names = new Map([...cabling.bridges].map(([name, index]) => [index, name]));
    const present = new Set(cabling.veths.map(({ device }) => device));
    for (const [device, { bridge }] of known)
      if (!present.has(device) || !wanted.has(bridge)) this.#ports.delete(device);
    for (const veth of cabling.veths) {
      const { device, index, hairpin, bridgeIndex } = veth;
      const bridge = bridgeIndex === undefined ? undefined : names.get(bridgeIndex);
      if (bridge !== undefined && bridgeIndex !== undefined && wanted.has(bridge))
        this.#ports.set(device, { index, bridge, bridgeIndex, hairpin });
      else if (!this.#waits(veth, cabling)) this.#ports.delete(device);
    }
    if (touched === undefined) this.#noteStrays(cabling, wanted);
    else this.#strays = new Set([...this.#strays].filter((device) => !touched.has(device)));
    const ports = touched === undefined ? [...this.#ports] : this.#portsAmong(touched);
    return ports.map(([device, { bridge, hairpin }]) => ({
      kind: 'port',
      device,
      bridge,
      hairpin,
    }));
  }

  #portsAmong(devices: ReadonlySet<string>): readonly (readonly [string, KnownPort])[] {
    return [...devices].flatMap((device) => {
      const port = this.#ports.get(device);
      return port === undefined ? [] : [[device, port] as const];
    });
  }

  /** Nothing is known any more. */
  forget(): void {
    this.#ports.clear();
  }

  /** Devices that may have lost their bridge while nobody looked; nothing can be done for them. */
  get strays(): readonly string[] {
    return [...this.#strays];
  }

  /** True for a port whose bridge is gone, or is another one of that name. */
  #waits({ device, index, bridgeIndex }: VethState, { bridges }: Cabling): boolean {
    const known = this.#ports.get(device);
    if (known === undefined || known.index !== index || bridgeIndex !== undefined) return false;
    return bridges.get(known.bridge) !== known.bridgeIndex;
  }

  #noteStrays({ bridges, veths }: Cabling, wanted: ReadonlySet<string>): void {
    const loose = veths
      .filter(
        ({ device, bridgeIndex, leadsElsewhere }) =>
          bridgeIndex === undefined && leadsElsewhere && RUNTIME_VETH.test(device),
      )
      .map(({ device }) => device);
    if (this.#started) this.#strays = new Set(loose.filter((device) => this.#strays.has(device)));
    else if ([...wanted].some((name) => !bridges.has(name))) this.#strays = new Set(loose);
    this.#started = true;
  }
}
