import { parseCidr, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { OverlayError, toOverlayError } from '@overlay/failure';
import {
  type AddressSpaceDefinition,
  type LogRecord,
  type LogRecordRef,
  type Mutation,
  type NetworkDefinition,
  type NodeNetwork,
  type NodeRecord,
  parseNetworkId,
  parseNetworkName,
  parseNodeId,
  refOf,
  type SubnetPlan,
} from '@overlay/model';
import { keyOf, refOfKey } from './log-keys.js';
import { RecordFields } from './record-fields.js';

/** The text that a record is kept as; what its key says already is left out. */
export function encodeRecord(record: LogRecord): string {
  switch (record.kind) {
    case 'address-space':
      return JSON.stringify(record.addressSpace);
    case 'network':
      return JSON.stringify(record.network);
    case 'node':
    case 'former-node':
      return JSON.stringify(record.node);
    case 'claim':
      return JSON.stringify({ nodeId: record.claim.nodeId });
  }
}

/**
 * The record that `text` under `key` stands for.
 * @throws OverlayError `data_loss` naming the key if it is none.
 */
export function decodeRecord(key: string, text: string): LogRecord {
  const ref = refOfKey(key);
  let record: LogRecord;
  try {
    record = readRecord(ref, new RecordFields(JSON.parse(text)));
  } catch (cause) {
    const reason = toOverlayError(cause).message;
    throw new OverlayError('data_loss', `the overlay log's entry "${key}" cannot be read: ${reason}`, {
      cause,
    });
  }
  // A claim is what its key says.
  if (record.kind === 'claim' || keyOf(refOf(record)) === key) return record;
  throw new OverlayError('data_loss', `the overlay log's entry "${key}" holds the record of another entry`);
}

/** A change as the drivers write it: under which key, and the record's text; `undefined` deletes. */
export interface EncodedMutation {
  readonly op: Mutation['op'];
  readonly key: string;
  readonly text: string | undefined;
}

/** Encodes one change. */
export function encodeMutation(mutation: Mutation): EncodedMutation {
  if (mutation.op === 'delete') return { op: mutation.op, key: keyOf(mutation.ref), text: undefined };
  const { op, record } = mutation;
  return { op, key: keyOf(refOf(record)), text: encodeRecord(record) };
}

/** The text that a batch is kept as in the history. */
export function joinMutations(mutations: readonly EncodedMutation[]): string {
  return JSON.stringify(
    mutations.map(({ op, key, text }) => (text === undefined ? [op, key] : [op, key, text])),
  );
}

/**
 * The batch that {@link joinMutations} wrote.
 * @throws OverlayError `data_loss` naming the commit.
 */
export function decodeMutations(revision: bigint, text: string): readonly Mutation[] {
  try {
    const entries: unknown = JSON.parse(text);
    if (!Array.isArray(entries)) throw new TypeError('not a list');
    return entries.map(decodeMutation);
  } catch (cause) {
    const reason = toOverlayError(cause).message;
    throw new OverlayError('data_loss', `commit ${revision} of the overlay log cannot be read: ${reason}`, {
      cause,
    });
  }
}

function decodeMutation(entry: unknown): Mutation {
  const [op, key, text]: readonly unknown[] = Array.isArray(entry) ? entry : [];
  if (typeof key === 'string' && op === 'delete') return { op, ref: refOfKey(key) };
  if (typeof key === 'string' && typeof text === 'string' && (op === 'put' || op === 'create')) {
    return { op, record: decodeRecord(key, text) };
  }
  throw new TypeError('a change is neither put nor create nor delete');
}

function readRecord(ref: LogRecordRef, fields: RecordFields): LogRecord {
  switch (ref.kind) {
    case 'address-space':
      return { kind: ref.kind, addressSpace: readAddressSpace(fields) };
    case 'network':
      return {
        kind: ref.kind,
        network: {
          id: parseNetworkId(fields.text('id')),
          definition: readDefinition(fields.block('definition')),
          origin: fields.oneOf('origin', ['configuration', 'runtime']),
          phase: fields.oneOf('phase', ['active', 'deleting', 'deleted']),
          ...(fields.has('configured') ? { configured: fields.boolean('configured') } : {}),
        },
      };
    case 'node':
    case 'former-node':
      return { kind: ref.kind, node: readNode(fields) };
    case 'claim': {
      const { resource, value } = ref;
      return { kind: ref.kind, claim: { resource, value, nodeId: parseNodeId(fields.text('nodeId')) } };
    }
  }
}

function readAddressSpace(fields: RecordFields): AddressSpaceDefinition {
  return {
    vtepSubnet: parseCidr(fields.text('vtepSubnet')),
    ...(fields.has('vtepSubnet6') ? { vtepSubnet6: parseCidr(fields.text('vtepSubnet6')) } : {}),
    vtepMacOui: parseMacAddress(fields.text('vtepMacOui')),
    ...(fields.has('vtepMtuBytes') ? { vtepMtuBytes: fields.integer('vtepMtuBytes') } : {}),
  };
}

function readDefinition(fields: RecordFields): NetworkDefinition {
  return {
    name: parseNetworkName(fields.text('name')),
    ...(fields.has('ipv4') ? { ipv4: readPlan(fields.block('ipv4')) } : {}),
    ...(fields.has('ipv6') ? { ipv6: readPlan(fields.block('ipv6')) } : {}),
    enabled: fields.boolean('enabled'),
    isolated: fields.boolean('isolated'),
  };
}

function readPlan(fields: RecordFields): SubnetPlan {
  return { subnet: parseCidr(fields.text('subnet')), blockLength: fields.integer('blockLength') };
}

function readNode(fields: RecordFields): NodeRecord {
  return {
    id: parseNodeId(fields.text('id')),
    ip: parseIpAddress(fields.text('ip')),
    ...(fields.has('guessedIp') ? { guessedIp: fields.boolean('guessedIp') } : {}),
    vtepIp: parseIpAddress(fields.text('vtepIp')),
    ...(fields.has('vtepIp6') ? { vtepIp6: parseIpAddress(fields.text('vtepIp6')) } : {}),
    vtepMac: parseMacAddress(fields.text('vtepMac')),
    networks: fields.list('networks').map((network) => readNodeNetwork(new RecordFields(network))),
    attributes: fields.block('attributes').texts(),
  };
}

function readNodeNetwork(fields: RecordFields): NodeNetwork {
  return {
    networkId: parseNetworkId(fields.text('networkId')),
    prefixes: fields.list('prefixes').map((prefix) => parseCidr(String(prefix))),
    mesosBridge: fields.boolean('mesosBridge'),
    dockerBridge: fields.boolean('dockerBridge'),
  };
}
