import { type Cidr, cidrFamily, type IpFamily, parseCidr, prefixLength } from '@overlay/allocation';
import { type FieldViolation, toOverlayError } from '@overlay/failure';
import { fieldPath } from './field-path.js';
import { parseNetworkName } from './network-name.js';
import { checkBlockLength } from './network-rules.js';
import type { NetworkDefinition, NetworkName, SubnetPlan } from './records.js';

/** A network as a person or a framework writes it. */
export interface NetworkInput {
  readonly name: string;
  readonly subnet?: string | undefined;
  readonly prefix?: number | undefined;
  readonly subnet6?: string | undefined;
  readonly prefix6?: number | undefined;
  /** True if absent. */
  readonly enabled?: boolean | undefined;
  /** False if absent. */
  readonly isolated?: boolean | undefined;
}

/** A value that was read, or why it could not be. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly violations: readonly FieldViolation[];
      /** As much of it as could be read, to judge it beside others; absent if that is nothing. */
      readonly partial?: T;
    };

/**
 * Reads a network's definition: its name, and that `subnet` comes with `prefix` and `subnet6` with `prefix6`,
 * at least one pair. What the definition may say beside others is for `checkNewNetwork`.
 * @param path path of the network in the request; its fields are named in snake case below it.
 */
export function readNetworkDefinition(input: NetworkInput, path: string): Reading<NetworkDefinition> {
  const violations: FieldViolation[] = [];
  const attempt = <T>(key: string, parse: () => T): T | undefined => {
    try {
      return parse();
    } catch (thrown) {
      violations.push({ field: fieldPath(path, key), description: toOverlayError(thrown).message });
      return undefined;
    }
  };
  const plan = (family: IpFamily, text: string | undefined, length: number | undefined) => {
    const suffix = family === 4 ? '' : '6';
    violations.push(...pairFaults(path, suffix, text, length));
    const subnet = text === undefined ? undefined : attempt(`subnet${suffix}`, () => parseCidr(text));
    if (subnet === undefined && length !== undefined) {
      violations.push(...checkBlockLength(length, family, fieldPath(path, `prefix${suffix}`)));
    }
    if (subnet === undefined) return undefined;
    const wrongFamily = familyFaults(path, suffix, subnet, family);
    violations.push(...wrongFamily);
    // A length that is missing is told above, and does not keep the subnet from being judged beside others.
    const blockLength = length ?? prefixLength(subnet) + 1;
    return wrongFamily.length > 0 ? undefined : { subnet, blockLength };
  };
  const name = attempt('name', () => parseNetworkName(input.name));
  const ipv4 = plan(4, input.subnet, input.prefix);
  const ipv6 = plan(6, input.subnet6, input.prefix6);
  const written = [input.subnet, input.prefix, input.subnet6, input.prefix6];
  if (written.every((value) => value === undefined)) {
    const rule = 'a network has subnet and prefix, or subnet6 and prefix6, or all four';
    violations.push({ field: path, description: `network "${input.name}" has no address space: ${rule}` });
  }
  if (name !== undefined && violations.length === 0) {
    return { ok: true, value: definitionOf(name, ipv4, ipv6, input) };
  }
  // A name that is none is told above; the rest is judged under it all the same.
  const partial = definitionOf(name ?? (input.name as NetworkName), ipv4, ipv6, input);
  return { ok: false, violations, ...(ipv4 === undefined && ipv6 === undefined ? {} : { partial }) };
}

function definitionOf(
  name: NetworkName,
  ipv4: SubnetPlan | undefined,
  ipv6: SubnetPlan | undefined,
  input: NetworkInput,
): NetworkDefinition {
  return {
    name,
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    enabled: input.enabled ?? true,
    isolated: input.isolated ?? false,
  };
}

function pairFaults(
  path: string,
  suffix: '' | '6',
  subnet: string | undefined,
  length: number | undefined,
): readonly FieldViolation[] {
  if ((subnet === undefined) === (length === undefined)) return [];
  const [given, value, missing] =
    subnet === undefined
      ? [`prefix${suffix}`, String(length), `subnet${suffix}`]
      : [`subnet${suffix}`, subnet, `prefix${suffix}`];
  const description = `is missing: ${given} is ${value}, and the two come together; add ${missing} or drop ${given}`;
  return [{ field: fieldPath(path, missing), description }];
}

function familyFaults(
  path: string,
  suffix: '' | '6',
  subnet: Cidr,
  family: IpFamily,
): readonly FieldViolation[] {
  const actual = cidrFamily(subnet);
  if (actual === family) return [];
  const rule = `subnet${suffix} is for IPv${family}; put it under subnet${actual === 4 ? '' : '6'}`;
  const description = `${subnet} is an IPv${actual} prefix, but ${rule}`;
  return [{ field: fieldPath(path, `subnet${suffix}`), description }];
}
