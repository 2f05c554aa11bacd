const ZERO = '0'.charCodeAt(0);
const DOT = '.'.charCodeAt(0);

/**
 * The dotted-decimal address from `start` to before `end` as a number; undefined if it is none. Reads the characters
 * one by one: pools parse an address for every value given back, and splitting the text costs ten times as much.
 */
export function ipv4ToNumber(text: string, end = text.length, start = 0): number | undefined {
  let value = 0;
  let octet = -1;
  let dots = 0;
  for (let at = start; at < end; at += 1) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (octet < 0) return undefined;
      value = value * 256 + octet;
      octet = -1;
      dots += 1;
    } else {
      const digit = code - ZERO;
      if (!(digit >= 0 && digit <= 9) || octet === 0) return undefined;
      octet = octet < 0 ? digit : octet * 10 + digit;
      if (octet > 255) return undefined;
    }
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : undefined;
}

/** The address with the given value from 0 to 2^32-1. */
export function ipv4FromNumber(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}
