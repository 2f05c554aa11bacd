import { type IpAddress, parseIpAddress } from '@overlay/allocation';
import { type FieldViolation, OverlayError, toOverlayError } from '@overlay/failure';
import { type NetworkName, type NodeId, parseNetworkName, parseNodeId } from '@overlay/model';

/** A node's id of the field `node_id`. @throws OverlayError `invalid_argument` naming the field. */
export function parseNodeIdField(text: string): NodeId {
  return parseOnly('node_id', () => parseNodeId(text));
}

/** An address of a request's field. @throws OverlayError `invalid_argument` naming the field. */
export function parseIpField(field: string, text: string): IpAddress {
  return parseOnly(field, () => parseIpAddress(text));
}

/** A network's name of a request's field. @throws OverlayError `invalid_argument` naming the field. */
export function parseNetworkNameField(field: string, text: string): NetworkName {
  return parseOnly(field, () => parseNetworkName(text));
}

/** Parses a list of underlay addresses. @throws OverlayError `invalid_argument` naming each wrong one. */
export function parseIps(field: string, texts: readonly string[]): readonly IpAddress[] {
  const violations: FieldViolation[] = [];
  const ips = texts.map((text, index) =>
    parseField(`${field}[${index}]`, () => parseIpAddress(text), violations),
  );
  if (violations.length > 0) throw OverlayError.invalid(violations);
  return ips.filter((ip) => ip !== undefined);
}

function parseOnly<T>(field: string, parse: () => T): T {
  const violations: FieldViolation[] = [];
  const value = parseField(field, parse, violations);
  if (value === undefined) throw OverlayError.invalid(violations);
  return value;
}

/** The parsed value; undefined, with a violation noted, if it does not parse. */
export function parseField<T>(field: string, parse: () => T, violations: FieldViolation[]): T | undefined {
  try {
    return parse();
  } catch (thrown) {
    violations.push({ field, description: toOverlayError(thrown).message });
    return undefined;
  }
}
