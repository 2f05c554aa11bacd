import { OverlayError } from '@overlay/failure';

/** A pair of addresses without prefix length. */
export interface AddressPair {
  readonly ipv4: string;
  readonly ipv6: string;
}

/** Prefix lengths of the underlay. */
export const UNDERLAY_LENGTH = { ipv4: 24, ipv6: 64 } as const;

/** Addresses that stand for the world beyond the underlay (RFC 5737, RFC 3849). */
export const OUTSIDE: AddressPair = { ipv4: '203.0.113.10', ipv6: '2001:db8:ffff::10' };

/** The most hosts one testbed can hold. */
export const MAX_HOSTS = 200;

/** The addresses of one testbed's underlay: 198.18.K.0/24 (RFC 2544) and fd00:198:18:K::/64 for slot K. */
export interface UnderlayPlan {
  /** In CIDR notation. */
  readonly subnets: AddressPair;
  readonly master: AddressPair;
  readonly router: AddressPair;
  host(number: number): AddressPair;
}

/** Plans the underlay of slot 1 to 254. */
export function planUnderlay(slot: number): UnderlayPlan {
  const at = (suffix: number): AddressPair => ({
    ipv4: `198.18.${slot}.${suffix}`,
    ipv6: `fd00:198:18:${slot}::${suffix}`,
  });
  return {
    subnets: {
      ipv4: `198.18.${slot}.0/${UNDERLAY_LENGTH.ipv4}`,
      ipv6: `fd00:198:18:${slot}::/${UNDERLAY_LENGTH.ipv6}`,
    },
    master: at(1),
    router: at(254),
    host: (number) => {
      if (!Number.isInteger(number) || number < 1 || number > MAX_HOSTS) {
        throw new OverlayError(
          'invalid_argument',
          `host number ${number}: a testbed has hosts 1 to ${MAX_HOSTS}`,
        );
      }
      return at(10 + number);
    },
  };
}
