import { AddressPool, parseCidr, parseIpAddress, parseMacAddress, SubnetPool } from '@overlay/allocation';
import {
  type AddressSpaceDefinition,
  claimsOf,
  type LogRecord,
  type NetworkDefinition,
  type NodeRecord,
  parseNetworkId,
  parseNetworkName,
  parseNodeId,
  vtepMac,
} from '@overlay/model';

/** One step in the life of a cluster; `node` picks among sixteen node ids. */
export interface ClusterStep {
  readonly act: 'register' | 'register as gateway' | 'move' | 'delete' | 'forget';
  readonly node: number;
}

const SPACE: AddressSpaceDefinition = {
  vtepSubnet: parseCidr('44.128.0.0/24'),
  vtepSubnet6: parseCidr('fd01:a::/64'),
  vtepMacOui: parseMacAddress('70:b3:d5:00:00:00'),
};

const NETWORKS: readonly NetworkDefinition[] = [
  {
    name: parseNetworkName('dcos'),
    ipv4: { subnet: parseCidr('9.0.0.0/16'), blockLength: 24 },
    enabled: true,
    isolated: false,
  },
  {
    name: parseNetworkName('both'),
    ipv4: { subnet: parseCidr('10.32.0.0/16'), blockLength: 26 },
    ipv6: { subnet: parseCidr('fd01:b::/64'), blockLength: 80 },
    enabled: true,
    isolated: true,
  },
];

/** The records of a cluster that lived through the steps, as a master would have written them. */
export function recordsAfter(steps: readonly ClusterStep[]): readonly LogRecord[] {
  const vteps = new AddressPool(parseCidr('44.128.0.0/24'));
  const vteps6 = new AddressPool(parseCidr('fd01:a::/64'));
  const pools = NETWORKS.map(({ ipv4, ipv6 }) =>
    [ipv4, ipv6].flatMap((plan) =>
      plan === undefined ? [] : [new SubnetPool(plan.subnet, plan.blockLength)],
    ),
  );
  const nodes = new Map<number, NodeRecord>();
  const former = new Map<number, NodeRecord>();
  let moves = 0;
  for (const { act, node: index } of steps) {
    const node = nodes.get(index);
    if (act === 'move' && node !== undefined) {
      moves += 1;
      nodes.set(index, { ...node, ip: parseIpAddress(`172.17.${moves >> 8}.${moves & 255}`) });
    } else if (act === 'delete' && node !== undefined) {
      nodes.delete(index);
      former.set(index, node);
    } else if (act === 'forget' && former.has(index)) {
      release(former.get(index));
      former.delete(index);
    } else if (act.startsWith('register') && node === undefined) {
      nodes.set(index, former.get(index) ?? newNode(index, act === 'register'));
      former.delete(index);
    }
  }
  return recordsOf([...nodes.values()], [...former.values()]);

  function release(node: NodeRecord | undefined): void {
    if (node === undefined) return;
    vteps.free(node.vtepIp);
    if (node.vtepIp6 !== undefined) vteps6.free(node.vtepIp6);
    for (const block of node.networks.flatMap(({ prefixes }) => prefixes)) {
      for (const pool of pools.flat()) if (pool.contains(block)) pool.free(block);
    }
  }

  function newNode(index: number, allocates: boolean): NodeRecord {
    const vtepIp = vteps.allocate() ?? parseIpAddress('44.128.0.1');
    const vtepIp6 = vteps6.allocate();
    return {
      id: parseNodeId(`node-${index}`),
      ip: parseIpAddress(`172.16.0.${index + 1}`),
      vtepIp,
      ...(vtepIp6 === undefined ? {} : { vtepIp6 }),
      vtepMac: vtepMac(SPACE.vtepMacOui, vtepIp),
      networks: NETWORKS.map(({ name }, network) => ({
        networkId: parseNetworkId(`id-${name}`),
        prefixes: allocates ? (pools[network] ?? []).flatMap((pool) => pool.allocate() ?? []) : [],
        mesosBridge: allocates,
        dockerBridge: allocates,
      })),
      attributes: {},
    };
  }
}

function recordsOf(nodes: readonly NodeRecord[], former: readonly NodeRecord[]): readonly LogRecord[] {
  const held =
    (kind: 'node' | 'former-node') =>
    (node: NodeRecord): readonly LogRecord[] => [
      { kind, node },
      ...claimsOf(node, kind).map((claim): LogRecord => ({ kind: 'claim', claim })),
    ];
  return [
    { kind: 'address-space', addressSpace: SPACE },
    ...NETWORKS.map(
      (definition): LogRecord => ({
        kind: 'network',
        network: {
          id: parseNetworkId(`id-${definition.name}`),
          definition,
          origin: 'configuration',
          phase: 'active',
        },
      }),
    ),
    ...nodes.flatMap(held('node')),
    ...former.flatMap(held('former-node')),
  ];
}
