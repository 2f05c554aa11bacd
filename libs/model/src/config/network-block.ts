import { parseMacAddress } from '@overlay/allocation';
import type { FieldViolation } from '@overlay/failure';
import { z } from 'zod';
import { fieldPath } from '../field-path.js';
import { MTU_MAX_BYTES, MTU_MIN_BYTES } from '../mtu.js';
import { type NetworkInput, readNetworkDefinition } from '../network-input.js';
import { parseNetworkName } from '../network-name.js';
import { checkNamesDiffer, checkNetworkDefinitions } from '../network-rules.js';
import type { AddressSpaceDefinition, NetworkDefinition } from '../records.js';
import { booleanKey, cidrKey, integerKey } from './key-types.js';
import { isBlock } from './raw-configuration.js';
import { key, parsedText } from './schema-key.js';

/** The network block of a master that is given none, as DC/OS has it. */
export const DEFAULT_NETWORK_BLOCK = {
  vtep_subnet: '44.128.0.0/20',
  vtep_subnet6: 'fd01:a::/64',
  vtep_mac_oui: '70:B3:D5:00:00:00',
  overlays: [
    { name: 'dcos', subnet: '9.0.0.0/8', prefix: 26 },
    { name: 'dcos6', subnet6: 'fd01:b::/64', prefix6: 80 },
  ],
} as const;

const overlaySchema = z.strictObject({
  name: key(
    'a name of 1 to 13 characters of A-Z a-z 0-9 _ . -',
    'Name of the network; host, bridge, default and none are reserved.',
    parsedText(parseNetworkName),
  ),
  subnet: cidrKey(4, 'IPv4 address space of the network; comes with prefix.').optional(),
  prefix: integerKey(1, 32, "Length of each agent's IPv4 block, inside the subnet, at most 29.").optional(),
  subnet6: cidrKey(6, 'IPv6 address space of the network; comes with prefix6.').optional(),
  prefix6: integerKey(
    1,
    128,
    "Length of each agent's IPv6 block, inside the subnet6, at most 125.",
  ).optional(),
  enabled: booleanKey('Whether agents are given blocks of the network.').prefault(true),
  isolated: booleanKey('Whether containers of other networks are kept out.').prefault(false),
});

const vtepMacOui = parsedText((text) => {
  const oui = parseMacAddress(text);
  return { oui, text };
});

const blockSchema = z.strictObject({
  vtep_subnet: cidrKey(
    4,
    'IPv4 space of the VTEP addresses, /8 to /30; a block that is written has to name it.',
    `${DEFAULT_NETWORK_BLOCK.vtep_subnet} without a network block`,
  ),
  vtep_subnet6: cidrKey(
    6,
    'IPv6 space of the VTEP addresses; needed by networks with subnet6.',
    `${DEFAULT_NETWORK_BLOCK.vtep_subnet6} without a network block`,
  ).optional(),
  vtep_mac_oui: key(
    'a unicast MAC address with its last three bytes zero',
    'First three bytes of every VTEP MAC address.',
    vtepMacOui,
  ).prefault(DEFAULT_NETWORK_BLOCK.vtep_mac_oui),
  vtep_mtu: integerKey(
    MTU_MIN_BYTES,
    MTU_MAX_BYTES,
    "MTU of the VTEPs; each agent's overlay_mtu if unset.",
    'bytes, from 1280 with IPv6',
  ).optional(),
  overlays: key('a list of networks', 'The networks.', z.array(overlaySchema)).prefault([]),
});

/** The keys of the block `network`. */
export function networkBlock() {
  const notes = { default: 'the networks dcos and dcos6; a block that is written replaces them all' };
  return key('a block of keys', 'Address space and networks.', blockSchema.clone(), notes).optional();
}

/** The same keys as DC/OS spells the block, `dcos_overlay_network`. */
export function dcosNetworkBlock() {
  const meaning = "DC/OS's spelling of network; other keys of a DC/OS config.yaml are ignored then.";
  return key('a block with the keys of network', meaning, blockSchema.clone(), { isAlias: true }).optional();
}

/** What a network block says. */
export interface NetworkBlock {
  readonly addressSpace: AddressSpaceDefinition;
  /** The OUI in its configured spelling, which the state shows. */
  readonly vtepMacOuiText: string;
  readonly networks: readonly NetworkDefinition[];
}

/** The block as domain values. Expects one that {@link checkNetworkBlock} found right. */
export function networkBlockOf(block: z.output<typeof blockSchema>): NetworkBlock {
  const { vtep_subnet6: vtepSubnet6, vtep_mtu: vtepMtuBytes } = block;
  return {
    addressSpace: {
      vtepSubnet: block.vtep_subnet,
      ...(vtepSubnet6 === undefined ? {} : { vtepSubnet6 }),
      vtepMacOui: block.vtep_mac_oui.oui,
      ...(vtepMtuBytes === undefined ? {} : { vtepMtuBytes }),
    },
    vtepMacOuiText: block.vtep_mac_oui.text,
    networks: block.overlays.flatMap((overlay) => {
      const reading = readNetworkDefinition(overlay, '');
      return reading.ok ? [reading.value] : [];
    }),
  };
}

/** The rules across keys, on as much of the block as can be read. */
export function checkNetworkBlock(raw: unknown, path: string): readonly FieldViolation[] {
  if (!isBlock(raw)) return [];
  const { shape } = blockSchema;
  const space = {
    vtepSubnet: shape.vtep_subnet.safeParse(raw.vtep_subnet).data,
    vtepSubnet6: shape.vtep_subnet6.safeParse(raw.vtep_subnet6).data,
    vtepMacOui: shape.vtep_mac_oui.safeParse(raw.vtep_mac_oui).data?.oui,
    vtepMtuBytes: shape.vtep_mtu.safeParse(raw.vtep_mtu).data,
  };
  const readable = Object.fromEntries(Object.entries(space).filter(([, value]) => value !== undefined));
  const overlays: readonly unknown[] = Array.isArray(raw.overlays) ? raw.overlays : [];
  const violations: FieldViolation[] = [];
  const definitions = overlays.map((overlay, index) => {
    if (!isBlock(overlay)) return undefined;
    const reading = readNetworkDefinition(inputOf(overlay), fieldPath(fieldPath(path, 'overlays'), index));
    if (reading.ok) return reading.value;
    violations.push(...reading.violations);
    return reading.partial;
  });
  const names = overlays.map((overlay) => (isBlock(overlay) ? inputOf(overlay).name : undefined));
  return distinct([
    ...violations,
    ...checkNetworkDefinitions(readable, definitions, path),
    // Also of those without a subnet that could be read.
    ...checkNamesDiffer(names, path),
  ]);
}

/** As much of a network as is of the right type; what is not, the schema has told. */
function inputOf(overlay: Readonly<Record<string, unknown>>): NetworkInput {
  const text = (name: string) => (typeof overlay[name] === 'string' ? overlay[name] : undefined);
  const number = (name: string) => (typeof overlay[name] === 'number' ? overlay[name] : undefined);
  return {
    name: text('name') ?? '',
    subnet: text('subnet'),
    prefix: number('prefix'),
    subnet6: text('subnet6'),
    prefix6: number('prefix6'),
  };
}

/** One violation for each field: the first says what to mend first. */
function distinct(violations: readonly FieldViolation[]): readonly FieldViolation[] {
  const byField = new Map<string, FieldViolation>();
  for (const violation of violations) {
    if (!byField.has(violation.field)) byField.set(violation.field, violation);
  }
  return [...byField.values()];
}
