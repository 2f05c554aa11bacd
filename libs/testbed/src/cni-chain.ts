import { OverlayError } from '@overlay/failure';

/** One plugin's part of a network configuration. */
export type CniPluginConfig = Readonly<Record<string, unknown>> & { readonly type: string };

/** A network configuration: a `.conflist`, or a single `.conf` as a list of one. */
export interface CniChain {
  readonly name: string;
  readonly cniVersion: string;
  readonly plugins: readonly CniPluginConfig[];
}

/** The verbs of the CNI specification. */
export type CniCommand = 'ADD' | 'DEL' | 'CHECK' | 'VERSION' | 'GC' | 'STATUS';

/** One interface address out of a CNI result of any version. */
export interface CniAddress {
  /** With prefix length, for example `9.0.1.5/27`. */
  readonly address: string;
  readonly gateway?: string;
}

/** Reads a `.conf` or `.conflist`. @throws OverlayError `invalid_argument`. */
export function parseCniConfiguration(text: string, source: string): CniChain {
  const fields = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const { name, cniVersion = '0.1.0', plugins } = fields;
  const list = plugins === undefined ? [fields] : plugins;
  if (typeof name !== 'string' || typeof cniVersion !== 'string' || !Array.isArray(list)) {
    throw new OverlayError(
      'invalid_argument',
      `${source} is no CNI configuration: it needs a name and plugins`,
    );
  }
  for (const plugin of list as readonly Readonly<Record<string, unknown>>[]) {
    if (typeof plugin.type !== 'string') {
      throw new OverlayError('invalid_argument', `${source}: a plugin has no type`);
    }
  }
  return { name, cniVersion, plugins: list as readonly CniPluginConfig[] };
}

/** The standard input of one plugin of a chain: name and version join its part (CNI specification, section 3). */
export function planCniInput(chain: CniChain, plugin: CniPluginConfig, prevResult?: unknown): string {
  return JSON.stringify({
    ...plugin,
    name: chain.name,
    cniVersion: chain.cniVersion,
    ...(prevResult === undefined ? {} : { prevResult }),
  });
}

/** The addresses of a result: `ips` from 0.3.0 on, `ip4` and `ip6` before. */
export function parseCniAddresses(result: unknown): readonly CniAddress[] {
  const { ips, ip4, ip6 } = result as {
    readonly ips?: readonly CniAddress[];
    readonly ip4?: { readonly ip: string; readonly gateway?: string };
    readonly ip6?: { readonly ip: string; readonly gateway?: string };
  };
  const early = [ip4, ip6].flatMap((entry) => (entry === undefined ? [] : [entry]));
  const all =
    ips ?? early.map(({ ip, gateway }) => ({ address: ip, ...(gateway === undefined ? {} : { gateway }) }));
  return all.map(({ address, gateway }) => ({ address, ...(gateway === undefined ? {} : { gateway }) }));
}
