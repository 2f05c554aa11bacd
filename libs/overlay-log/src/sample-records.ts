import { parseCidr, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { type LogRecord, parseNetworkId, parseNetworkName, parseNodeId } from '@overlay/model';

/** A node's record with every field set, told apart by its number. */
export function sampleNode(number: number): LogRecord {
  return {
    kind: 'node',
    node: {
      id: parseNodeId(`node-${number}`),
      ip: parseIpAddress(`10.0.0.${number % 250}`),
      guessedIp: true,
      vtepIp: parseIpAddress(`44.128.0.${number % 250}`),
      vtepIp6: parseIpAddress('fd01:a::1'),
      vtepMac: parseMacAddress('70:b3:d5:80:00:01'),
      networks: [
        {
          networkId: parseNetworkId('net-1'),
          prefixes: [parseCidr('9.0.0.0/26'), parseCidr('fd01:b::/80')],
          mesosBridge: true,
          dockerBridge: false,
        },
      ],
      attributes: { zone: 'a' },
    },
  };
}

/** A network's record. */
export function sampleNetwork(number: number): LogRecord {
  return {
    kind: 'network',
    network: {
      id: parseNetworkId(`net-${number}`),
      definition: {
        name: parseNetworkName('dcos'),
        ipv4: { subnet: parseCidr('9.0.0.0/8'), blockLength: 26 },
        ipv6: { subnet: parseCidr('fd01:b::/64'), blockLength: 80 },
        enabled: true,
        isolated: false,
      },
      origin: 'runtime',
      phase: 'active',
      configured: true,
    },
  };
}

/** The claim of a node for a block. */
export function sampleClaim(value: string, node = 'node-1'): LogRecord {
  return { kind: 'claim', claim: { resource: 'block', value, nodeId: parseNodeId(node) } };
}

/** An address space with every field set. */
export function sampleAddressSpace(): LogRecord {
  return {
    kind: 'address-space',
    addressSpace: {
      vtepSubnet: parseCidr('44.128.0.0/20'),
      vtepSubnet6: parseCidr('fd01:a::/64'),
      vtepMacOui: parseMacAddress('70:b3:d5:00:00:00'),
      vtepMtuBytes: 1450,
    },
  };
}
