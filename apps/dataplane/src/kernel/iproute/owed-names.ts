import type { ReadScope } from '../kernel-tables.js';
import { VTEP_ALIAS } from '../ownership.js';
import type { LinkJson } from './read-links.js';

/**
 * The devices, each of ours under the name that it shall have: somebody may have renamed it, and its alias tells which one
 * it is. Of a part of the devices none is renamed, for another device may have the name; those that would be are left out.
 * @param tunnel number of the device that was the tunnel when it was seen last: it is that one still, if its alias was
 * changed too, and no other could be made beside it
 */
export function withOwedNames(
  json: readonly LinkJson[],
  scope: ReadScope,
  tunnel?: number,
): readonly LinkJson[] {
  const names = owedNames(json, scope, tunnel);
  if (names.size === 0) return json;
  if (scope.only !== undefined) return json.filter(({ ifname }) => !names.has(ifname));
  return json.map((link) => {
    const { ifname, master } = link;
    const owed = names.get(ifname);
    return {
      ...link,
      ...(owed === undefined ? {} : { ifname: owed, renamedTo: ifname }),
      ...(master === undefined ? {} : { master: names.get(master) ?? master }),
    };
  });
}

/** What stands on devices, each under the name that it shall have. */
export function onOwedNames<T extends { readonly dev?: string }>(
  json: readonly T[],
  devices: readonly LinkJson[],
): readonly T[] {
  const renamed = devices.filter(({ renamedTo }) => renamedTo !== undefined);
  if (renamed.length === 0) return json;
  const names = new Map(renamed.map(({ ifname, renamedTo }) => [renamedTo, ifname]));
  return json.map((entry) => {
    const owed = names.get(entry.dev);
    return owed === undefined ? entry : { ...entry, dev: owed };
  });
}

/** The name that each renamed device shall have, by the one that it has. */
function owedNames(
  json: readonly LinkJson[],
  scope: ReadScope,
  tunnel: number | undefined,
): ReadonlyMap<string, string> {
  const taken = new Set(json.map(({ ifname }) => ifname));
  const names = new Map<string, string>();
  for (const link of json) {
    const owed = owedName(link, scope, tunnel);
    if (owed === undefined || taken.has(owed)) continue;
    taken.add(owed);
    names.set(link.ifname, owed);
  }
  return names;
}

function owedName(
  { linkinfo, ifalias, ifindex }: LinkJson,
  { vtep, aliases }: ReadScope,
  tunnel: number | undefined,
): string | undefined {
  switch (linkinfo?.info_kind) {
    case 'vxlan':
      return ifalias === VTEP_ALIAS || (tunnel !== undefined && ifindex === tunnel) ? vtep : undefined;
    case 'bridge':
      return ifalias === undefined ? undefined : aliases?.get(ifalias);
    default:
      return undefined;
  }
}
