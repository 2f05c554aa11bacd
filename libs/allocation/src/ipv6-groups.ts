import { ipv4ToNumber } from './ipv4-number.js';

const ZERO = '0'.charCodeAt(0);
const NINE = '9'.charCodeAt(0);
const DOT = '.'.charCodeAt(0);
const COLON = ':'.charCodeAt(0);
const LOWER_A = 'a'.charCodeAt(0);
/** What a capital letter lacks to be the small one. */
const LOWER_CASE = 0x20;
const GROUPS = 8;
const GROUP_DIGITS = 4;

/**
 * The eight 16-bit groups of the IPv6 address before `end`, in any spelling; undefined if it is none. Reads the
 * characters one by one, as {@link ipv4ToNumber} does: a host parses a dozen addresses for each of its peers.
 */
export function ipv6ToGroups(text: string, end = text.length): readonly number[] | undefined {
  const groups: number[] = [];
  let gap = -1;
  let at = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return undefined;
    gap = 0;
    at = 2;
  }
  while (at < end) {
    const start = at;
    let group = 0;
    for (let digit = hexDigit(text, at); digit >= 0 && at < end; digit = hexDigit(text, at)) {
      group = group * 16 + digit;
      at += 1;
    }
    const next = at < end ? text.charCodeAt(at) : undefined;
    if (next === DOT) {
      // Only an address may end so, and so may only its end be spelt.
      const embedded = ipv4ToNumber(text, end, start);
      if (embedded === undefined) return undefined;
      groups.push(embedded >>> 16, embedded & 0xffff);
      break;
    }
    if (at === start || at - start > GROUP_DIGITS) return undefined;
    groups.push(group);
    if (next === undefined) break;
    at += 1;
    if (next !== COLON || at === end) return undefined;
    if (text.charCodeAt(at) === COLON) {
      if (gap >= 0) return undefined;
      gap = groups.length;
      at += 1;
    }
  }
  if (gap < 0) return groups.length === GROUPS ? groups : undefined;
  const missing = GROUPS - groups.length;
  return missing < 1
    ? undefined
    : [...groups.slice(0, gap), ...new Array<number>(missing).fill(0), ...groups.slice(gap)];
}

/** The digit's value; -1 if the character is none. */
function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= ZERO && code <= NINE) return code - ZERO;
  const letter = (code | LOWER_CASE) - LOWER_A;
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

/** The groups of the address with the given value from 0 to 2^128-1. */
export function ipv6GroupsOf(integer: bigint): readonly number[] {
  const groups: number[] = [];
  for (let shift = 96n; shift >= 0n; shift -= 32n) {
    const word = Number(BigInt.asUintN(32, integer >> shift));
    groups.push(word >>> 16, word & 0xffff);
  }
  return groups;
}

/** The value of the groups. */
export function ipv6Value(groups: readonly number[]): bigint {
  let value = 0n;
  for (let at = 0; at < GROUPS; at += 2) {
    const word = (groups[at] ?? 0) * 0x10000 + (groups[at + 1] ?? 0);
    value = (value << 32n) | BigInt(word);
  }
  return value;
}

/**
 * The address in its canonical spelling (RFC 5952): lower case, no leading zeros, the longest run of two or more zero
 * groups (the first if equal) as `::`, never with a dotted-decimal tail.
 */
export function ipv6Text(groups: readonly number[]): string {
  let runStart = -1;
  let runLength = 1;
  for (let start = 0; start < GROUPS; start += 1) {
    let end = start;
    while (end < GROUPS && groups[end] === 0) end += 1;
    if (end - start > runLength) {
      runStart = start;
      runLength = end - start;
    }
    if (end > start) start = end;
  }
  let text = '';
  for (let at = 0; at < GROUPS; at += 1) {
    if (at === runStart) {
      text += '::';
      at += runLength - 1;
    } else {
      if (text !== '' && !text.endsWith(':')) text += ':';
      text += (groups[at] ?? 0).toString(16);
    }
  }
  return text;
}
