import { describe, expect, it } from '@jest/globals';
import { parseCidr, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { type LogRecord, type NetworkRecord, type NodeRecord, parseNodeId, refOf } from '@overlay/model';
import fc from 'fast-check';
import { keyOf } from '../log-keys.js';
import type { LogProblem, LogRule } from './log-problem.js';
import { type ClusterStep, recordsAfter } from './random-log.js';
import { verifyLog } from './verify-log.js';

const steps: fc.Arbitrary<readonly ClusterStep[]> = fc.array(
  fc.record({
    act: fc.constantFrom('register', 'register', 'register as gateway', 'move', 'delete', 'forget'),
    node: fc.nat(15),
  }),
  { maxLength: 60 },
);

/** A log with a node that has blocks and a former one, whatever else happened. */
const logs = steps.map((random) =>
  recordsAfter([
    { act: 'register', node: 16 },
    { act: 'register', node: 17 },
    ...random,
    { act: 'delete', node: 17 },
  ]),
);

function verify(records: readonly LogRecord[]): Promise<readonly LogProblem[]> {
  return verifyLog([records.slice(0, 7), records.slice(7)]);
}

function changedNode(
  records: readonly LogRecord[],
  key: string,
  change: (node: NodeRecord) => NodeRecord,
): readonly LogRecord[] {
  return records.map((record) =>
    (record.kind === 'node' || record.kind === 'former-node') && keyOf(refOf(record)) === key
      ? { ...record, node: change(record.node) }
      : record,
  );
}

function changedNetwork(
  records: readonly LogRecord[],
  name: string,
  change: (network: NetworkRecord) => NetworkRecord,
): readonly LogRecord[] {
  return records.map((record) =>
    record.kind === 'network' && record.network.definition.name === name
      ? { kind: 'network', network: change(record.network) }
      : record,
  );
}

function withFirstBlock(node: NodeRecord, block: string): NodeRecord {
  const networks = node.networks.map((network, index) =>
    index === 0 ? { ...network, prefixes: [parseCidr(block)] } : network,
  );
  return { ...node, networks };
}

const without = (records: readonly LogRecord[], matches: (record: LogRecord) => boolean) =>
  records.filter((record) => !matches(record));
const claimOf = (owner: string, resource: string) => (record: LogRecord) =>
  record.kind === 'claim' && record.claim.nodeId === owner && record.claim.resource === resource;
const foreign: LogRecord = {
  kind: 'claim',
  claim: { resource: 'block', value: '9.0.255.0/24', nodeId: parseNodeId('node-16') },
};

type Corruption = readonly [what: string, LogRule, (records: readonly LogRecord[]) => readonly LogRecord[]];

const corruptions: readonly Corruption[] = [
  ['no address space', 'one-address-space', (log) => without(log, ({ kind }) => kind === 'address-space')],
  ['two address spaces', 'one-address-space', (log) => [...log, ...log.slice(0, 1)]],
  ['a node twice', 'one-record', (log) => [...log, ...log.filter((r) => keyOf(refOf(r)) === 'node/node-16')]],
  [
    'a node that is deleted and there',
    'one-record',
    (log) => [
      ...log,
      ...log.flatMap((r) => (r.kind === 'former-node' ? [{ ...r, kind: 'node' as const }] : [])),
    ],
  ],
  [
    'networks that overlap',
    'address-rules',
    (log) => changedNetwork(log, 'both', (network) => overlapping(network, '9.0.128.0/17')),
  ],
  [
    'a network that overlaps the VTEPs',
    'address-rules',
    (log) => changedNetwork(log, 'both', (network) => overlapping(network, '44.128.0.0/16')),
  ],
  ['a network that is gone', 'known-network', (log) => without(log, ({ kind }) => kind === 'network')],
  [
    'a network that was deleted',
    'known-network',
    (log) => changedNetwork(log, 'dcos', (network) => ({ ...network, phase: 'deleted' })),
  ],
  [
    'a network listed twice',
    'known-network',
    (log) =>
      changedNode(log, 'node/node-16', (node) => ({
        ...node,
        networks: [...node.networks, ...node.networks.slice(0, 1)],
      })),
  ],
  [
    'a block outside its network',
    'block-in-network',
    (log) => changedNode(log, 'node/node-16', (node) => withFirstBlock(node, '9.1.0.0/24')),
  ],
  [
    'a block of another length',
    'block-in-network',
    (log) => changedNode(log, 'node/node-16', (node) => withFirstBlock(node, '9.0.200.0/25')),
  ],
  [
    'a block of a family that the network lacks',
    'block-in-network',
    (log) => changedNode(log, 'former-node/node-17', (node) => withFirstBlock(node, 'fd01:b::/80')),
  ],
  ...['44.128.1.1', '44.128.0.0', '44.128.0.255', 'fd01:a::1'].map(
    (address): Corruption => [
      `the VTEP address ${address}`,
      'vtep-in-subnet',
      (log) => changedNode(log, 'node/node-16', (node) => ({ ...node, vtepIp: parseIpAddress(address) })),
    ],
  ),
  ...['fd01:c::1', 'fd01:a::'].map(
    (address): Corruption => [
      `the IPv6 VTEP address ${address}`,
      'vtep-in-subnet',
      (log) => changedNode(log, 'node/node-16', (node) => ({ ...node, vtepIp6: parseIpAddress(address) })),
    ],
  ),
  [
    'another MAC',
    'vtep-mac',
    (log) =>
      changedNode(log, 'former-node/node-17', (node) => ({
        ...node,
        vtepMac: parseMacAddress('70:b3:d5:ff:ff:ff'),
      })),
  ],
  [
    'an underlay address of two nodes',
    'one-owner',
    (log) => changedNode([...recordsWithNode18(log)], 'node/node-18', (node) => ({ ...node, ip: ipOf(log) })),
  ],
  [
    'a block of two nodes',
    'one-owner',
    (log) => changedNode(log, 'former-node/node-17', (node) => withFirstBlock(node, blockOf(log))),
  ],
  ...['node-ip', 'vtep', 'block'].map(
    (resource): Corruption => [
      `a node without its ${resource} claim`,
      'claimed',
      (log) => without(log, claimOf('node-16', resource)),
    ],
  ),
  ['a former node without its claims', 'claimed', (log) => without(log, claimOf('node-17', 'vtep'))],
  [
    'a claim of another node',
    'claimed',
    (log) =>
      log.map((record) =>
        record.kind === 'claim' && claimOf('node-16', 'vtep')(record)
          ? { ...record, claim: { ...record.claim, nodeId: parseNodeId('node-99') } }
          : record,
      ),
  ],
  ['a claim for nothing', 'claim-in-use', (log) => [...log, foreign]],
  [
    'a claim on the underlay address of a former node',
    'claim-in-use',
    (log) => [
      ...log,
      {
        kind: 'claim',
        claim: { resource: 'node-ip', value: '172.16.0.18', nodeId: parseNodeId('node-17') },
      },
    ],
  ],
  [
    'claims that a node left behind',
    'claim-in-use',
    (log) => without(log, (record) => keyOf(refOf(record)) === 'node/node-16'),
  ],
];

function overlapping(network: NetworkRecord, subnet: string): NetworkRecord {
  const ipv4 = { subnet: parseCidr(subnet), blockLength: 26 };
  return { ...network, definition: { ...network.definition, ipv4 } };
}

function nodeIn(log: readonly LogRecord[], key: string): NodeRecord {
  const found = log.find((record) => keyOf(refOf(record)) === key);
  if (found?.kind !== 'node') throw new Error(`there is no ${key}`);
  return found.node;
}

const ipOf = (log: readonly LogRecord[]) => nodeIn(log, 'node/node-16').ip;
const blockOf = (log: readonly LogRecord[]) => String(nodeIn(log, 'node/node-16').networks[0]?.prefixes[0]);
const recordsWithNode18 = (log: readonly LogRecord[]): readonly LogRecord[] => [
  ...log,
  { kind: 'node', node: { ...nodeIn(log, 'node/node-16'), id: parseNodeId('node-18') } },
];

describe('verifyLog', () => {
  it('finds nothing in what a master writes, whatever happened and in whatever order it is read', async () => {
    await fc.assert(
      fc.asyncProperty(logs, fc.boolean(), async (log, backwards) => {
        expect(await verify(backwards ? log.toReversed() : log)).toEqual([]);
      }),
    );
  });

  it.each(corruptions)('finds %s', async (_, rule, corrupt) => {
    await fc.assert(
      fc.asyncProperty(logs, async (log) => {
        const problems = await verify(corrupt(log));
        expect(problems.map((problem) => problem.rule)).toContain(rule);
        for (const { key, description } of problems) expect(`${key} ${description}`).toMatch(/\S+ \S+/);
      }),
      { numRuns: 20 },
    );
  });

  it('takes the last IPv6 VTEP address, which earlier releases gave', async () => {
    const log = recordsAfter([{ act: 'register', node: 1 }]);
    const early = changedNode(log, 'node/node-1', (node) => ({
      ...node,
      vtepIp6: parseIpAddress('fd01:a::ffff:ffff:ffff:ffff'),
    }));
    expect((await verify(early)).map(({ rule }) => rule)).not.toContain('vtep-in-subnet');
  });

  it('names the entry and both values', async () => {
    const log = recordsAfter([{ act: 'register', node: 1 }]);
    const broken = changedNode(log, 'node/node-1', (node) => ({
      ...node,
      vtepMac: parseMacAddress('70:b3:d5:00:00:09'),
    }));
    expect(await verify(broken)).toEqual([
      {
        key: 'node/node-1',
        rule: 'vtep-mac',
        description:
          'has the MAC 70:b3:d5:00:00:09: 44.128.0.1 under OUI 70:b3:d5:00:00:00 makes 70:b3:d5:80:00:01',
      },
    ]);
  });

  it('says that an empty log is none', async () => {
    expect((await verify([])).map(({ key }) => key)).toEqual(['address-space']);
  });
});
