import { type IpAddress, interfaceIp, parseInterfaceAddress, parseIpAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import { type NetworkName, parseNetworkName } from '@overlay/model';
import { z } from 'zod';
import type { ValidAttachment } from '../allocation/plan-collection.js';

/** What the plugin uses of a network configuration; keys of other plugins are passed over. */
export interface CniConfig {
  readonly network: NetworkName;
  /** From `runtimeConfig.ips` (the capability `ips`) and `args.cni.ips`. */
  readonly requestedIps: readonly IpAddress[];
  /** From Mesos, `args["org.apache.mesos"].network_info.labels`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Addresses of `prevResult`, with their lengths; undefined without one. */
  readonly previousAddresses: readonly string[] | undefined;
  /** From `cni.dev/valid-attachments`; undefined without that key. */
  readonly validAttachments: readonly ValidAttachment[] | undefined;
}

const ips = z.optional(z.array(z.string()));
const early = z.optional(z.looseObject({ ip: z.string() }));
const label = z.looseObject({ key: z.string(), value: z.optional(z.string()) });
const attachments = z.optional(
  z.nullable(z.array(z.looseObject({ containerID: z.string(), ifname: z.string() }))),
);
const networkInfo = z.looseObject({
  labels: z.optional(z.looseObject({ labels: z.optional(z.array(label)) })),
});

const schema = z.looseObject({
  name: z.string(),
  runtimeConfig: z.optional(z.looseObject({ ips })),
  args: z.optional(
    z.looseObject({
      cni: z.optional(z.looseObject({ ips })),
      'org.apache.mesos': z.optional(z.looseObject({ network_info: z.optional(networkInfo) })),
    }),
  ),
  'cni.dev/valid-attachments': attachments,
  prevResult: z.optional(
    z.looseObject({
      ips: z.optional(z.array(z.looseObject({ address: z.string() }))),
      ip4: early,
      ip6: early,
    }),
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
    const reason = error instanceof Error ? error.message : String(error);
    throw new OverlayError('invalid_argument', `the configuration on stdin is not JSON: ${reason}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new OverlayError('invalid_argument', 'the configuration on stdin is not a JSON object');
  }
  return value as Readonly<Record<string, unknown>>;
}

/**
 * Parses a decoded configuration.
 * @throws OverlayError `invalid_argument` naming every key that is wrong.
 */
export function parseCniConfig(decoded: Readonly<Record<string, unknown>>): CniConfig {
  const parsed = schema.safeParse(decoded);
  if (!parsed.success) {
    const violations = parsed.error.issues.map((issue) => ({
      field: issue.path.join('.'),
      description: issue.message,
    }));
    throw OverlayError.invalid(violations, 'network configuration');
  }
  const { name, runtimeConfig, args, prevResult, 'cni.dev/valid-attachments': valid } = parsed.data;
  const requested = [...(runtimeConfig?.ips ?? []), ...(args?.cni?.ips ?? [])];
  const mesosLabels = args?.['org.apache.mesos']?.network_info?.labels?.labels ?? [];
  return {
    network: parseNetworkName(name),
    requestedIps: [...new Set(requested.map(parseRequestedIp))],
    labels: Object.fromEntries(mesosLabels.map(({ key, value }) => [key, value ?? ''])),
    previousAddresses: prevResult === undefined ? undefined : addressesOf(prevResult),
    // libcni writes no attachments as null.
    validAttachments:
      valid === undefined
        ? undefined
        : (valid ?? []).map(({ containerID, ifname }) => ({ containerId: containerID, interface: ifname })),
  };
}

/**
 * Parses a requested address, with or without a prefix length (whose value does not matter).
 * @throws OverlayError `invalid_argument`.
 */
export function parseRequestedIp(text: string): IpAddress {
  return text.includes('/') ? interfaceIp(parseInterfaceAddress(text)) : parseIpAddress(text);
}

function addressesOf(result: NonNullable<z.output<typeof schema>['prevResult']>): readonly string[] {
  const current = (result.ips ?? []).map(({ address }) => address);
  const former = [result.ip4, result.ip6].flatMap((entry) => (entry === undefined ? [] : [entry.ip]));
  return [...current, ...former];
}
