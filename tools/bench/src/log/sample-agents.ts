import {
  addressAt,
  addressToInteger,
  cidrFrom,
  parseCidr,
  parseIpAddress,
  parseMacAddress,
} from '@overlay/allocation';
import {
  type AddressSpaceDefinition,
  type LogRecord,
  type NetworkRecord,
  parseNetworkId,
  parseNetworkName,
  parseNodeId,
  vtepMac,
} from '@overlay/model';

const BLOCKS = parseCidr('9.0.0.0/8');
const BLOCK_LENGTH = 26;
const VTEPS = parseCidr('44.128.0.0/13');
const UNDERLAY = parseCidr('172.16.0.0/12');
const OUI = '70:B3:D5:00:00:00';
const FIRST_BLOCK = addressToInteger(parseIpAddress('9.0.0.0'));

/** The block `network` of a master's configuration that holds 262,144 agents. */
export const SAMPLE_NETWORK = {
  vtep_subnet: VTEPS,
  vtep_mac_oui: OUI,
  overlays: [{ name: 'dcos', subnet: BLOCKS, prefix: BLOCK_LENGTH }],
};

const SPACE: AddressSpaceDefinition = { vtepSubnet: VTEPS, vtepMacOui: parseMacAddress(OUI) };
const NETWORK: NetworkRecord = {
  id: parseNetworkId('bench-dcos'),
  definition: {
    name: parseNetworkName('dcos'),
    ipv4: { subnet: BLOCKS, blockLength: BLOCK_LENGTH },
    enabled: true,
    isolated: false,
  },
  origin: 'configuration',
  phase: 'active',
};

/** The underlay address of agent number `index`. */
export function sampleIp(index: number): string {
  return addressAt(UNDERLAY, BigInt(index + 1));
}

/** The records of agent number `index`: its node and its claims, as a master writes them when it registers. */
export function agentRecords(index: number, name = 'present'): readonly LogRecord[] {
  const nodeId = parseNodeId(`${name}-${index}`);
  const ip = parseIpAddress(sampleIp(index));
  const vtepIp = addressAt(VTEPS, BigInt(index + 1));
  const block = cidrFrom(4, FIRST_BLOCK + BigInt(index) * 64n, BLOCK_LENGTH);
  const networks = [{ networkId: NETWORK.id, prefixes: [block], mesosBridge: true, dockerBridge: true }];
  const claim = (resource: 'node-ip' | 'vtep' | 'block', value: string): LogRecord => ({
    kind: 'claim',
    claim: { resource, value, nodeId },
  });
  return [
    {
      kind: 'node',
      node: { id: nodeId, ip, vtepIp, vtepMac: vtepMac(SPACE.vtepMacOui, vtepIp), networks, attributes: {} },
    },
    claim('node-ip', ip),
    claim('vtep', vtepIp),
    claim('block', block),
  ];
}

/** How many records one agent has in the log. */
export const RECORDS_PER_AGENT = agentRecords(0).length;

/** Everything in the log of a cluster of so many agents. */
export function* sampleLog(agents: number): Generator<LogRecord> {
  yield { kind: 'address-space', addressSpace: SPACE };
  yield { kind: 'network', network: NETWORK };
  for (let index = 0; index < agents; index += 1) yield* agentRecords(index);
}
