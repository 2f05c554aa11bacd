import { describe, expect, it } from '@jest/globals';
import { Container, type ListContainersRequest, Network } from '@overlay/contracts';
import { parseNodeId } from '@overlay/model';
import { AgentReports } from '../agents/agent-reports.js';
import { listContainers } from './list-containers.js';

const reports = new AgentReports();
for (const [node, agentIp] of [
  ['n1', 'fd00::7'],
  ['n2', 'fd00::8'],
] as const) {
  const containers = [Container.fromPartial({ containerId: `on-${node}`, network: 'dcos', agentIp })];
  reports.set(parseNodeId(node), { states: new Map(), containers, capacities: [], receivedAtMs: 1 }, 1);
}
const networks = ['dcos', 'other'].map((name) => Network.fromPartial({ spec: { name } }));
const cluster = { networks: () => networks, reports, requireLoaded: () => undefined };

function list(filter: Partial<ListContainersRequest>): readonly string[] {
  const request = { network: '', agentIp: '', pageSize: 0, pageToken: '', ...filter };
  return listContainers(cluster, request).containers.map(({ containerId }) => containerId);
}

describe('listContainers', () => {
  it('lists those of every agent, of one network or of one agent', () => {
    expect(list({})).toEqual(['on-n1', 'on-n2']);
    expect(list({ network: 'dcos' })).toEqual(['on-n1', 'on-n2']);
    expect(list({ network: 'other' })).toEqual([]);
    expect(list({ agentIp: 'fd00::8' })).toEqual(['on-n2']);
  });

  it('knows an agent by any spelling of its address', () => {
    expect(list({ agentIp: 'FD00:0::7' })).toEqual(['on-n1']);
  });

  it('names the filter that is wrong', () => {
    for (const [filter, field] of [
      [{ agentIp: 'h1' }, 'agent_ip'],
      [{ network: 'a b' }, 'network'],
    ] as const) {
      expect(() => list(filter)).toThrow(
        expect.objectContaining({
          code: 'invalid_argument',
          violations: [expect.objectContaining({ field })],
        }),
      );
    }
    expect(() => list({ network: 'nope' })).toThrow(expect.objectContaining({ code: 'not_found' }));
  });
});
