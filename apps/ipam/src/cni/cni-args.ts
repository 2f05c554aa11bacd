import type { IpAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import { quoted } from '../allocation/owner.js';
import { parseRequestedIp } from './cni-config.js';

/** What `CNI_ARGS` carries. */
export interface CniArgs {
  /** From `IP=address[,address]`. */
  readonly requestedIps: readonly IpAddress[];
  /** Every other pair. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Parses `CNI_ARGS`: pairs `KEY=value` with `;` between them (CNI specification, section 2).
 * @throws OverlayError `invalid_argument` naming the pair that is none, or the address that is none.
 */
export function parseCniArgs(text: string): CniArgs {
  const pairs = text
    .split(';')
    .filter((pair) => pair !== '')
    .map(parsePair);
  const addresses = pairs.filter(([key]) => key === 'IP').flatMap(([, value]) => value.split(','));
  return {
    requestedIps: addresses.filter((address) => address !== '').map(parseRequestedIp),
    labels: Object.fromEntries(pairs.filter(([key]) => key !== 'IP')),
  };
}

function parsePair(pair: string): readonly [key: string, value: string] {
  const at = pair.indexOf('=');
  if (at < 1) {
    const message = `CNI_ARGS: ${quoted(pair)} is no pair; write KEY=value with ";" between pairs`;
    throw new OverlayError('invalid_argument', message);
  }
  return [pair.slice(0, at), pair.slice(at + 1)];
}
