import { familyOf } from '@overlay/allocation';
import type { HostDescription } from './host-description.js';

/** The device that has the host's underlay address. */
export interface UnderlayLink {
  readonly device: string;
  readonly mtuBytes: number;
  /** Name of its driver; absent if unknown or not asked for. */
  readonly driver?: string;
}

/** Outer IP header, UDP, VXLAN and inner Ethernet header, in bytes (RFC 7348). */
const OVERHEAD_BYTES = { 4: 20 + 8 + 8 + 14, 6: 40 + 8 + 8 + 14 } as const;

/**
 * Why packets of the VTEP's MTU cannot pass the underlay; undefined if they can, or if no device has the underlay
 * address. Peers would lose the large packets without a word: the kernel does not fragment tunnel packets of IPv6, and
 * many networks drop fragments of IPv4.
 */
export function mtuMisfit(host: HostDescription, underlay: UnderlayLink | undefined): string | undefined {
  if (underlay === undefined) return undefined;
  const { mtuBytes, name } = host.vtep;
  const family = familyOf(host.ip);
  const most = underlay.mtuBytes - OVERHEAD_BYTES[family];
  if (mtuBytes <= most) return undefined;
  const key = mtuBytes === host.overlayMtuBytes ? 'overlay_mtu' : 'vtep_mtu';
  return (
    `the MTU of ${name}, ${mtuBytes} bytes, does not fit: ${underlay.device} carries ${underlay.mtuBytes} bytes and ` +
    `VXLAN over IPv${family} needs ${OVERHEAD_BYTES[family]} of them; set ${key} to at most ${most}, ` +
    `or raise the MTU of ${underlay.device}`
  );
}
