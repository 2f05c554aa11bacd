/** What decides whether checksums may be left for later. */
export interface OffloadFacts {
  /** As `uname -r` prints it, for example `6.1.0-18-amd64`. */
  readonly kernelRelease: string;
  /** Driver of the device with the underlay address, for example `virtio_net`; absent if unknown. */
  readonly driver?: string;
}

/**
 * Network cards that write wrong checksums into VXLAN packets of other ports than 4789 (VMware's vmxnet3: packets of
 * the tunnel arrive and are thrown away).
 */
const SPOILING_DRIVERS: ReadonlySet<string> = new Set(['vmxnet3']);

/**
 * First releases in which translating a tunnel packet leaves a checksum of 0 alone ("netfilter: nat: never update the
 * UDP checksum when it's 0"), by stable series; from 5.7 on every kernel does.
 */
const REPAIRED: readonly (readonly [number, number, number])[] = [
  [4, 14, 181],
  [4, 19, 123],
  [5, 4, 41],
  [5, 6, 13],
];

/** Whether the checksums of packets in the tunnel may be left to whoever sends them on. */
export function decideChecksumOffload(
  wanted: 'auto' | 'on' | 'off',
  { kernelRelease, driver }: OffloadFacts,
): boolean {
  if (wanted !== 'auto') return wanted === 'on';
  return !(driver !== undefined && SPOILING_DRIVERS.has(driver)) && !spoilsTranslated(kernelRelease);
}

function spoilsTranslated(release: string): boolean {
  const [, major, minor, patch] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(release) ?? [];
  if (major === undefined || minor === undefined) return false;
  const version = [Number(major), Number(minor), Number(patch ?? 0)] as const;
  if (version[0] > 5 || (version[0] === 5 && version[1] >= 7)) return false;
  return !REPAIRED.some(([a, b, c]) => version[0] === a && version[1] === b && version[2] >= c);
}
