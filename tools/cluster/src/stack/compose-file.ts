import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { parse, stringify } from 'yaml';
import { type ClusterPlaces, ROOT } from '../places.js';

/** Hosts in the repository's compose file. */
export const DEFAULT_HOSTS = 3;

/** The underlay has room for more; the engine and the machine do not. */
export const MAX_CLUSTER_HOSTS = 60;

interface ComposeFile {
  readonly services: Readonly<Record<string, unknown>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

/** The compose file of a cluster of that many hosts: the repository's, or one made of it. */
export function provideComposeFile(places: ClusterPlaces, hosts: number): string {
  const own = join(ROOT, 'docker-compose.yml');
  if (hosts === DEFAULT_HOSTS) return own;
  writeFileSync(places.composeFile, planComposeFile(readFileSync(own, 'utf8'), hosts));
  return places.composeFile;
}

/** The services of a compose file that a profile has: those that belong to it, and those that belong to none. */
export function listServices(text: string, profile: string): readonly string[] {
  const { services } = parse(text, { merge: true, maxAliasCount: -1 }) as ComposeFile;
  return Object.entries(services).flatMap(([name, service]) => {
    const { profiles = [profile] } = service as { readonly profiles?: readonly string[] };
    return profiles.includes(profile) ? [name] : [];
  });
}

/**
 * Makes a compose file of three hosts one of `hosts` hosts. A service or volume belongs to host 1 if its name ends in
 * `-1` and it is none of etcd's or the masters'; the others are made of it. Host n has the underlay addresses that end
 * in 30 + n, its agent is published on port 15150 + n, and it builds nothing.
 *
 * @throws OverlayError `internal` if the file has no host 1.
 */
export function planComposeFile(text: string, hosts: number): string {
  const file = parse(text, { merge: true, maxAliasCount: -1 }) as ComposeFile;
  const services = resize(file.services, hosts);
  const volumes = resize(file.volumes, hosts);
  const rest = Object.entries(file).filter(([key]) => !key.startsWith('x-'));
  return stringify({ ...Object.fromEntries(rest), services, volumes }, { aliasDuplicateObjects: false });
}

function resize(
  entries: Readonly<Record<string, unknown>>,
  hosts: number,
): Readonly<Record<string, unknown>> {
  const fixed = Object.entries(entries).filter(([name]) => !isOfHost(name));
  const first = Object.entries(entries).filter(([name]) => isOfHost(name) && name.endsWith('-1'));
  if (first.length === 0) throw new OverlayError('internal', 'the compose file has no host 1');
  const grown = Array.from({ length: hosts }, (_, index) =>
    first.map(
      ([name, value]) =>
        [rename(name, index + 1), index === 0 ? value : withoutBuild(moveTo(value, index + 1))] as const,
    ),
  );
  return Object.fromEntries([...fixed, ...grown.flat()]);
}

/** An image is built by one service, that of host 1. */
function withoutBuild(service: unknown): unknown {
  if (typeof service !== 'object' || service === null) return service;
  return Object.fromEntries(Object.entries(service).filter(([key]) => key !== 'build'));
}

function isOfHost(name: string): boolean {
  return /-\d+$/.test(name) && !/^(?:etcd|master)-/.test(name);
}

function rename(text: string, host: number): string {
  return text.replace(/-1$/, `-${host}`);
}

function moveTo(value: unknown, host: number): unknown {
  if (typeof value === 'string') return moveText(value, host);
  if (Array.isArray(value)) return value.map((entry) => moveTo(entry, host));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [
      isOfHost(key) ? rename(key, host) : key,
      moveTo(entry, host),
    ]),
  );
}

/** Names of host 1 wherever they stand, its two underlay addresses and its port. */
function moveText(text: string, host: number): string {
  return text
    .replace(/^((?:service:)?[a-z]+(?:-[a-z]+)?)-1(?=$|:\/)/, `$1-${host}`)
    .replace(/^10\.66\.0\.31$/, `10.66.0.${30 + host}`)
    .replace(/^fd66::31$/, `fd66::${30 + host}`)
    .replace(/^127\.0\.0\.1:15151:/, `127.0.0.1:${15150 + host}:`);
}
