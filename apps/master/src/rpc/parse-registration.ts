import { parseIpAddress } from '@overlay/allocation';
import type { RegisterAgentRequest } from '@overlay/contracts';
import { type FieldViolation, OverlayError } from '@overlay/failure';
import { parseNodeId } from '@overlay/model';
import type { RegistrationRequest } from '../cluster/plan-registration.js';
import { parseField } from './parse-fields.js';

const MAX_ATTRIBUTES = 64;
const MAX_ATTRIBUTE_CHARACTERS = 256;

/**
 * Parses a registration. A missing `network_config` means the defaults: a block and both bridges.
 * @throws OverlayError `invalid_argument` with a violation for every wrong field.
 */
export function parseRegistration(request: RegisterAgentRequest): RegistrationRequest {
  const violations: FieldViolation[] = [];
  const nodeId = parseField('node_id', () => parseNodeId(request.nodeId), violations);
  const ip = parseField('ip', () => parseIpAddress(request.ip), violations);
  violations.push(...attributeViolations(request.attributes));
  if (nodeId === undefined || ip === undefined || violations.length > 0)
    throw OverlayError.invalid(violations);
  const wanted = request.networkConfig;
  return {
    nodeId,
    ip,
    allocateSubnet: wanted?.allocateSubnet ?? true,
    mesosBridge: wanted?.mesosBridge ?? true,
    dockerBridge: wanted?.dockerBridge ?? true,
    attributes: Object.fromEntries(Object.entries(request.attributes).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function attributeViolations(attributes: Readonly<Record<string, string>>): readonly FieldViolation[] {
  const entries = Object.entries(attributes);
  if (entries.length > MAX_ATTRIBUTES) {
    const description = `has ${entries.length} entries, at most ${MAX_ATTRIBUTES} are kept`;
    return [{ field: 'attributes', description }];
  }
  return entries
    .filter(([key, value]) => key === '' || key.length + value.length > MAX_ATTRIBUTE_CHARACTERS)
    .map(([key]) => ({
      field: `attributes.${key.slice(0, 32)}`,
      description: `key and value together have at most ${MAX_ATTRIBUTE_CHARACTERS} characters, the key at least one`,
    }));
}
