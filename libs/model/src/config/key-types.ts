import { type Cidr, cidrFamily, type IpFamily, parseCidr } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import { z } from 'zod';
import { parseListenAddress } from '../listen-address.js';
import { key, parsedText } from './schema-key.js';
import { shownValue } from './shown-value.js';

/** How much a process logs, the most first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * An absolute path of at most 4095 bytes (PATH_MAX).
 * @param standard what stands in for an optional key that is not set
 */
export function pathKey(meaning: string, standard?: string) {
  const more = standard === undefined ? {} : { default: standard };
  return key('an absolute path', meaning, parsedText(parseAbsolutePath), more);
}

/** The path of a unix socket, which the kernel limits to 107 bytes. */
export function socketPathKey(meaning: string) {
  return key('an absolute path of at most 107 bytes', meaning, parsedText(parseSocketPath));
}

/** Where a server listens. */
export function listenKey(meaning: string) {
  return key('host:port, [IPv6]:port or unix:/path', meaning, parsedText(parseListenAddress));
}

/** true or false. */
export function booleanKey(meaning: string) {
  return key('true or false', meaning, z.boolean());
}

/** An integer of a range, both ends included. */
export function integerKey(least: number, most: number, meaning: string, unit = '') {
  const type = `an integer from ${least} to ${most}${unit === '' ? '' : ` (${unit})`}`;
  return key(type, meaning, z.int().min(least).max(most));
}

/** A prefix of one family. */
export function cidrKey(family: IpFamily, meaning: string, standard?: string) {
  const parse = (text: string): Cidr => parseCidrOf(family, text);
  return key(
    `an IPv${family} prefix without host bits`,
    meaning,
    parsedText(parse),
    standard === undefined ? {} : { default: standard },
  );
}

/** One of a few words. */
export function wordKey<const W extends string>(words: readonly [W, ...W[]], description: string) {
  return key(`one of ${words.join(', ')}`, description, z.enum(words));
}

/** `log_level`, the same for every app. */
export function logLevelKey() {
  const type = `one of ${LOG_LEVELS.join(', ')}`;
  return key(type, 'How much is logged.', z.enum(LOG_LEVELS)).prefault('info');
}

function parseCidrOf(family: IpFamily, text: string): Cidr {
  const cidr = parseCidr(text);
  const actual = cidrFamily(cidr);
  if (actual === family) return cidr;
  const message = `${cidr} is an IPv${actual} prefix; give an IPv${family} prefix here`;
  throw new OverlayError('invalid_argument', message);
}

function parseAbsolutePath(text: string): string {
  if (text.startsWith('/') && !text.includes('\0') && Buffer.byteLength(text) <= 4095) return text;
  throw new OverlayError(
    'invalid_argument',
    `${shownValue(text)} is no absolute path; write it from the root, as in /var/lib`,
  );
}

function parseSocketPath(text: string): string {
  const path = parseAbsolutePath(text);
  if (Buffer.byteLength(path) <= 107) return path;
  const rule = 'the kernel takes socket paths of at most 107 bytes; choose a shorter one';
  throw new OverlayError('invalid_argument', `"${path}" is too long: ${rule}`);
}
