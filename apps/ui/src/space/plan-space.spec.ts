import { describe, expect, it } from '@jest/globals';
import { SAMPLE_NETWORK, sampleAgent } from '../sample-cluster.js';
import type { AgentView, NetworkView } from '../state/cluster-view.js';
import { planSpace } from './plan-space.js';

function plan(agents: readonly AgentView[], network: NetworkView = SAMPLE_NETWORK) {
  return planSpace({ vtepSubnets: [], networks: [network], agents }, [network]);
}

describe('planSpace', () => {
  it('draws an empty network as one free strip', () => {
    const [picture] = plan([]);
    expect(picture).toMatchObject({ network: 'dcos', subnet: '9.0.0.0/8', taken: 0, total: 65_536n });
    expect(picture?.strips.map(({ range }) => range)).toEqual(['9.0.0.0/8']);
    expect(picture?.strips[0]?.cells.every(({ taken }) => taken === 0)).toBe(true);
  });

  it('enlarges the part that is in use', () => {
    const [picture] = plan([sampleAgent(0), sampleAgent(2, 'failed')]);
    const [whole, detail] = picture?.strips ?? [];
    expect(whole?.cells).toHaveLength(128);
    expect(whole?.cells[0]).toEqual({ taken: 2 / 512, failed: true });
    expect(detail?.range).toBe('9.0.0.0/19');
    expect(detail?.cells).toHaveLength(32);
    expect(detail?.cells.slice(0, 4)).toEqual([
      { taken: 1, failed: false },
      { taken: 0, failed: false },
      { taken: 1, failed: true },
      { taken: 0, failed: false },
    ]);
  });

  it('shows the whole only, where blocks are all over it', () => {
    const [picture] = plan([sampleAgent(0), sampleAgent(65_535)]);
    expect(picture?.strips.map(({ range }) => range)).toEqual(['9.0.0.0/8']);
    expect(picture?.strips[0]?.cells.at(-1)).toEqual({ taken: 1 / 512, failed: false });
  });

  it('stays as small with every block taken, and fills every cell', () => {
    const [picture] = plan(Array.from({ length: 65_536 }, (_, index) => sampleAgent(index)));
    expect(picture).toMatchObject({ taken: 65_536, total: 65_536n });
    expect(picture?.strips[0]?.cells).toEqual(
      Array.from({ length: 128 }, () => ({ taken: 1, failed: false })),
    );
  });

  it('draws both families, and leaves out what is no subnet', () => {
    const dual = { ...SAMPLE_NETWORK, subnet6: 'fd01:b::/64', prefix6: 80 };
    const block = { name: 'dcos', subnet: '', subnet6: 'fd01:b:0:0:1::/80', bridges: [], error: '' };
    const agent: AgentView = { ...sampleAgent(0), networks: [{ ...block, status: 'ok' }] };
    const [ipv4, ipv6] = plan([agent], dual);
    expect({ ipv4: ipv4?.taken, ipv6: ipv6?.taken, total: ipv6?.total }).toEqual({
      ipv4: 0,
      ipv6: 1,
      total: 65_536n,
    });
    expect(plan([agent], { ...SAMPLE_NETWORK, subnet: 'junk' })).toEqual([]);
    expect(plan([agent], { ...SAMPLE_NETWORK, prefix: 4 })).toEqual([]);
  });

  it('does not count a block outside its network', () => {
    const stray = { name: 'dcos', subnet: '10.0.0.0/24', subnet6: '', bridges: [], error: '' };
    const agent: AgentView = { ...sampleAgent(0), networks: [{ ...stray, status: 'ok' }] };
    expect(plan([agent])[0]?.taken).toBe(0);
  });
});
