import type { IpAddress } from '@overlay/allocation';
import type { FieldViolation } from '@overlay/failure';
import { formatListenAddress, isLocalListener } from '../listen-address.js';
import type { MasterAddress } from './master-address.js';

/** That `ip` is missing: the route towards this master does not tell the host's underlay address. */
export function missingIp(master: MasterAddress): FieldViolation {
  const rule = 'a master on this host does not tell which address other hosts reach it at';
  const name = formatListenAddress({ kind: 'tcp', ...master });
  return { field: 'ip', description: `must be set with master ${name}: ${rule}` };
}

/** The rule that an agent all of whose masters are on its own host is told the host's underlay address. */
export function checkUnderlayIp(
  masters: readonly MasterAddress[],
  ip: IpAddress | undefined,
): readonly FieldViolation[] {
  const [first] = masters;
  const areLocal = masters.every((master) => isLocalListener({ kind: 'tcp', ...master }));
  return ip === undefined && first !== undefined && areLocal ? [missingIp(first)] : [];
}
