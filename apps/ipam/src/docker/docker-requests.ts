import { type Cidr, type IpAddress, parseCidr, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import { parseNetworkName } from '@overlay/model';
import { z } from 'zod';
import { auxiliaryContainerId } from '../allocation/docker-owner.js';
import {
  type ContainerId,
  type Owner,
  parseContainerId,
  parseInterfaceName,
  quoted,
} from '../allocation/owner.js';
import type { DockerPool } from '../allocation/plan-docker-address.js';

const options = z.optional(z.nullable(z.record(z.string(), z.string())));
const text = z.optional(z.string()).transform((value) => value ?? '');

const poolSchema = z.looseObject({ Pool: text, SubPool: text });
const releasePoolSchema = z.looseObject({ PoolID: text });
const addressSchema = z.looseObject({ PoolID: text, Address: text, Options: options });

/** Asks for the address of an endpoint. */
export interface DockerEndpointWish {
  readonly kind: 'endpoint';
  readonly pool: DockerPool;
  readonly owner: Owner;
  readonly wanted?: IpAddress;
}

/** Asks which address is the gateway's. */
export interface DockerGatewayWish {
  readonly kind: 'gateway';
  readonly pool: DockerPool;
  readonly wanted?: IpAddress;
}

/** What RequestAddress asks for. */
export type DockerWish = DockerGatewayWish | DockerEndpointWish;

const ADDRESS_TYPE = 'RequestAddressType';
const GATEWAY = 'com.docker.network.gateway';
const MAC_OPTION = 'com.docker.network.endpoint.macaddress';

/** The id of a prefix of a network, the same after every restart. */
export function poolId({ network, prefix }: DockerPool): string {
  return `${network}/${prefix}`;
}

/**
 * The prefix that RequestPool asks for.
 * @throws OverlayError `invalid_argument` saying what to write.
 */
export function parsePoolRequest(body: unknown): Cidr {
  const { Pool, SubPool } = parsed(poolSchema, body);
  if (Pool === '') {
    const message =
      "overlay-ipam chooses no subnet: create the network with --subnet, the overlay's block on this host";
    throw new OverlayError('invalid_argument', message);
  }
  const prefix = parseCidr(Pool);
  if (SubPool === '' || parseCidr(SubPool) === prefix) return prefix;
  const message = `--ip-range ${quoted(SubPool)} is not supported: containers get addresses of all of ${prefix}`;
  throw new OverlayError('invalid_argument', message);
}

/** The pool that ReleasePool gives back. @throws OverlayError `invalid_argument` for an id that was never given. */
export function parsePoolRelease(body: unknown): DockerPool {
  return parsePoolId(parsed(releasePoolSchema, body).PoolID);
}

/** What RequestAddress asks for. @throws OverlayError `invalid_argument` saying what is wrong. */
export function parseAddressRequest(body: unknown): DockerWish {
  const { PoolID, Address, Options } = parsed(addressSchema, body);
  const pool = parsePoolId(PoolID);
  const wanted = Address === '' ? {} : { wanted: parseAddress(Address) };
  if (Options?.[ADDRESS_TYPE] === GATEWAY) return { kind: 'gateway', pool, ...wanted };
  const owner: Owner = {
    containerId: ownerId(Options?.[MAC_OPTION], wanted.wanted),
    interface: parseInterfaceName(pool.prefix.includes(':') ? 'ipv6' : 'ipv4'),
  };
  return { kind: 'endpoint', pool, owner, ...wanted };
}

/** What RequestAddress asks for, for an endpoint only. @throws OverlayError `invalid_argument` saying what is wrong. */
export function parseEndpointRequest(body: unknown): DockerEndpointWish {
  const wish = parseAddressRequest(body);
  if (wish.kind === 'endpoint') return wish;
  throw new OverlayError('invalid_argument', 'a gateway has no endpoint');
}

/** What ReleaseAddress gives back. @throws OverlayError `invalid_argument` saying what is wrong. */
export function parseAddressRelease(body: unknown): { readonly pool: DockerPool; readonly ip: IpAddress } {
  const { PoolID, Address } = parsed(addressSchema, body);
  return { pool: parsePoolId(PoolID), ip: parseAddress(Address) };
}

function ownerId(mac: string | undefined, wanted: IpAddress | undefined): ContainerId {
  if (mac !== undefined) return parseContainerId(`docker-${parseMacAddress(mac)}`.replaceAll(':', '-'));
  // Docker asks for an address without an endpoint when it sets one aside for a network.
  if (wanted !== undefined) return auxiliaryContainerId(wanted);
  const message = `option ${MAC_OPTION} is missing: without it a repeated request cannot be told from a new one`;
  throw new OverlayError('invalid_argument', message);
}

/** Docker gives an address back as it got it, with or without the length of the prefix. */
function parseAddress(address: string): IpAddress {
  const [ip = ''] = address.split('/');
  return parseIpAddress(ip);
}

function parsePoolId(id: string): DockerPool {
  const at = id.indexOf('/');
  if (at > 0) return { network: parseNetworkName(id.slice(0, at)), prefix: parseCidr(id.slice(at + 1)) };
  throw new OverlayError('invalid_argument', `PoolID ${quoted(id)} is none that overlay-ipam gave`);
}

function parsed<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const violations = result.error.issues.map(({ path, message }) => ({
    field: path.join('.') || 'body',
    description: message,
  }));
  throw OverlayError.invalid(violations, "Docker's request");
}
