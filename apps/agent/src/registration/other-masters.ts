import { formatListenAddress, type MasterAddress } from '@overlay/model';
import type { LoopDeps } from '../agent-deps.js';
import type { MasterLink } from './master-link.js';

/** A configured master other than the one whose session this is, and the link to it. */
export interface OtherMaster {
  /** `host:port` as configured. */
  readonly name: string;
  readonly link: MasterLink;
}

/** Links to every configured master but the one whose session this is. Whoever calls this closes them. */
export function connectOthers(
  { config, connectMaster }: Pick<LoopDeps, 'config' | 'connectMaster'>,
  own: MasterAddress,
): readonly OtherMaster[] {
  return config.masters
    .filter((master) => nameOf(master) !== nameOf(own))
    .map((master) => ({ name: nameOf(master), link: connectMaster(master) }));
}

function nameOf(master: MasterAddress): string {
  return formatListenAddress({ kind: 'tcp', ...master });
}
