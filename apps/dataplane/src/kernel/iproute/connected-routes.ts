import { ADDRESS_BITS, cidrFamily, prefixLength } from '@overlay/allocation';
import type { Address, Link } from '../kernel-object.js';
import { prefixOfInterface } from '../prefix-of-interface.js';

/** An entry of `ip -N -json route show protocol kernel`. */
export interface ConnectedRouteJson {
  readonly dst: string;
  readonly dev?: string;
}

/**
 * Marks the addresses whose routes are missing. A device that is down has none; an address that is alone in its prefix needs
 * none.
 */
export function markCutOff(
  objects: readonly (Link | Address)[],
  json: readonly ConnectedRouteJson[],
): readonly (Link | Address)[] {
  const routes = new Set(json.map(({ dst, dev }) => `${dst} ${dev}`));
  const up = new Set(
    objects.flatMap((object) =>
      object.kind === 'link' && object.type !== 'foreign' && object.up ? [object.name] : [],
    ),
  );
  return objects.map((object) => {
    if (object.kind === 'link' || !up.has(object.device)) return object;
    const prefix = prefixOfInterface(object.address);
    const alone = prefixLength(prefix) === ADDRESS_BITS[cidrFamily(prefix)];
    return alone || routes.has(`${prefix} ${object.device}`) ? object : { ...object, cutOff: true };
  });
}
