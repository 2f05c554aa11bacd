import { type IpAddress, interfaceIp, parseInterfaceAddress, parseIpAddress } from '@overlay/allocation';
import { OverlayError, toOverlayError } from '@overlay/failure';
import { type NetworkName, parseNetworkName } from '@overlay/model';
import { z } from 'zod';
import type { ValidAttachment } from '../allocation/plan-collection.js';

/** What ADD uses of a network configuration. */
export interface AddConfig {
  readonly network: NetworkName;
  /** From `runtimeConfig.ips` (the capability `ips`), `args.cni.ips` and Mesos, `network_info.ip_addresses`. */
  readonly requestedIps: readonly IpAddress[];
  /** From Mesos, `args["org.apache.mesos"].network_info.labels`. */
  readonly labels: Readonly<Record<string, string>>;
}

/** What CHECK uses of a network configuration. */
export interface CheckConfig {
  readonly network: NetworkName;
  /** Addresses of `prevResult`, with their lengths, canonical where they are addresses; undefined without one. */
  readonly previousAddresses: readonly string[] | undefined;
}

/** What GC uses of a network configuration. */
export interface GcConfig {
  readonly network: NetworkName;
  readonly validAttachments: readonly ValidAttachment[];
}

// A null stands for nothing, as plugins in Go take it. Each verb reads its own keys and passes over the others.
const ips = z.nullish(z.array(z.string()));
const early = z.nullish(z.looseObject({ ip: z.string() }));
const label = z.looseObject({ key: z.string(), value: z.nullish(z.string()) });
// Mesos, NetworkInfo.IPAddress: without an address any of the protocol is wanted.
const wantedByMesos = z.looseObject({ ip_address: z.nullish(z.string()) });
const networkInfo = z.looseObject({
  ip_addresses: z.nullish(z.array(wantedByMesos)),
  labels: z.nullish(z.looseObject({ labels: z.nullish(z.array(label)) })),
});

const nameSchema = z.looseObject({ name: z.string() });

const addSchema = nameSchema.extend({
  runtimeConfig: z.nullish(z.looseObject({ ips })),
  args: z.nullish(
    z.looseObject({
      cni: z.nullish(z.looseObject({ ips })),
      'org.apache.mesos': z.nullish(z.looseObject({ network_info: z.nullish(networkInfo) })),
    }),
  ),
});

const resultSchema = z.looseObject({
  ips: z.nullish(z.array(z.looseObject({ address: z.string() }))),
  ip4: early,
  ip6: early,
});

const checkSchema = nameSchema.extend({ prevResult: z.nullish(resultSchema) });

const gcSchema = nameSchema.extend({
  'cni.dev/valid-attachments': z.nullish(
    z.array(z.looseObject({ containerID: z.string(), ifname: z.string() })),
  ),
});

/**
 * Reads the text on the plugin's standard input.
 * @throws OverlayError `invalid_argument` if it is not one JSON object.
 */
export function decodeCniConfig(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = toOverlayError(error).message;
    throw new OverlayError('invalid_argument', `the configuration on stdin is not JSON: ${reason}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new OverlayError('invalid_argument', 'the configuration on stdin is not a JSON object');
  }
  return value as Readonly<Record<string, unknown>>;
}

/**
 * Parses what ADD uses of a decoded configuration.
 * @throws OverlayError `invalid_argument` naming every key that is wrong.
 */
export function parseAddConfig(decoded: Readonly<Record<string, unknown>>): AddConfig {
  const { name, runtimeConfig, args } = parsed(addSchema, decoded);
  const mesos = args?.['org.apache.mesos']?.network_info;
  const mesosIps = (mesos?.ip_addresses ?? []).flatMap(({ ip_address: ip }) => (ip ? [ip] : []));
  const requested = [...(runtimeConfig?.ips ?? []), ...(args?.cni?.ips ?? []), ...mesosIps];
  const mesosLabels = mesos?.labels?.labels ?? [];
  return {
    network: parseNetworkName(name),
    requestedIps: [...new Set(requested.map(parseRequestedIp))],
    labels: Object.fromEntries(mesosLabels.map(({ key, value }) => [key, value ?? ''])),
  };
}

/**
 * Parses what CHECK uses of a decoded configuration.
 * @throws OverlayError `invalid_argument` naming every key that is wrong.
 */
export function parseCheckConfig(decoded: Readonly<Record<string, unknown>>): CheckConfig {
  const { name, prevResult } = parsed(checkSchema, decoded);
  return {
    network: parseNetworkName(name),
    previousAddresses: prevResult ? addressesOf(prevResult) : undefined,
  };
}

/**
 * Parses what GC uses of a decoded configuration.
 * @throws OverlayError `invalid_argument` naming every key that is wrong, or the missing list of attachments.
 */
export function parseGcConfig(decoded: Readonly<Record<string, unknown>>): GcConfig {
  const { name, 'cni.dev/valid-attachments': valid } = parsed(gcSchema, decoded);
  const network = parseNetworkName(name);
  if (valid === undefined) {
    // Taken for none, a missing list would release every container's addresses.
    const message = 'GC needs the key cni.dev/valid-attachments in the configuration, [] if there are none';
    throw new OverlayError('invalid_argument', message);
  }
  // libcni writes no attachments as null.
  const attachments = valid ?? [];
  return {
    network,
    validAttachments: attachments.map(({ containerID, ifname }) => ({
      containerId: containerID,
      interface: ifname,
    })),
  };
}

/**
 * The name in a decoded configuration, all that DEL and STATUS use; it need not be that of an overlay network.
 * @throws OverlayError `invalid_argument` if there is none.
 */
export function readNetworkName(decoded: Readonly<Record<string, unknown>>): string {
  return parsed(nameSchema, decoded).name;
}

/**
 * Parses a requested address, with or without a prefix length (whose value does not matter).
 * @throws OverlayError `invalid_argument`.
 */
export function parseRequestedIp(text: string): IpAddress {
  return text.includes('/') ? interfaceIp(parseInterfaceAddress(text)) : parseIpAddress(text);
}

function addressesOf(result: z.output<typeof resultSchema>): readonly string[] {
  const current = (result.ips ?? []).map(({ address }) => address);
  const former = [result.ip4, result.ip6].flatMap((entry) => entry?.ip ?? []);
  return [...current, ...former].map(canonical);
}

function canonical(text: string): string {
  try {
    return parseInterfaceAddress(text);
  } catch {
    return text;
  }
}

function parsed<T extends z.ZodType>(schema: T, decoded: Readonly<Record<string, unknown>>): z.output<T> {
  const reading = schema.safeParse(decoded);
  if (reading.success) return reading.data;
  const violations = reading.error.issues.map((issue) => ({
    field: issue.path.join('.'),
    description: issue.message,
  }));
  throw OverlayError.invalid(violations, 'network configuration');
}
