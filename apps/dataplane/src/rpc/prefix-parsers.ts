import { type Cidr, cidrFamily, containsCidr, type IpFamily, parseCidr } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';

/**
 * Parses a prefix of the given family.
 * @throws OverlayError `invalid_argument`.
 */
export function cidrOfFamily(text: string, family: IpFamily): Cidr {
  const cidr = parseCidr(text);
  if (cidrFamily(cidr) === family) return cidr;
  throw new OverlayError('invalid_argument', `"${text}" is no IPv${family} prefix`);
}

/**
 * Parses a prefix that lies inside one of `around`.
 * @throws OverlayError `invalid_argument`.
 */
export function parseInside(text: string, around: readonly Cidr[]): Cidr {
  const cidr = parseCidr(text);
  if (around.some((outer) => containsCidr(outer, cidr))) return cidr;
  const where = around.length === 0 ? 'no prefix of the network' : around.join(' and ');
  throw new OverlayError('invalid_argument', `${cidr} lies outside ${where}`);
}

/** The value as a list of one, or of none. */
export function presentOf<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}
