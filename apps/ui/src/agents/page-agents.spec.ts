import { describe, expect, it } from '@jest/globals';
import { sampleAgent } from '../sample-cluster.js';
import { AGENTS_PER_PAGE, pageAgents } from './page-agents.js';

const AGENTS = Array.from({ length: 120 }, (_, index) =>
  index === 77 ? sampleAgent(index, 'failed', 'No such <device>') : sampleAgent(index),
);
const ALL = { text: '', troubledOnly: false, page: 0 };

describe('pageAgents', () => {
  it('cuts pages and stays within them', () => {
    expect(pageAgents(AGENTS, ALL)).toMatchObject({ page: 0, pages: 3, matching: 120 });
    expect(pageAgents(AGENTS, ALL).agents).toHaveLength(AGENTS_PER_PAGE);
    expect(pageAgents(AGENTS, { ...ALL, page: 99 })).toMatchObject({ page: 2 });
    expect(pageAgents(AGENTS, { ...ALL, page: 99 }).agents).toHaveLength(20);
    expect(pageAgents(AGENTS, { ...ALL, page: -1 }).page).toBe(0);
    expect(pageAgents([], ALL)).toEqual({ agents: [], page: 0, pages: 1, matching: 0 });
  });

  it('finds by address, block, error and status', () => {
    for (const text of ['10.0.0.77', '9.0.77.', '44.128.0.77/', 'no such <DEV', 'failed']) {
      const { agents } = pageAgents(AGENTS, { ...ALL, text });
      expect({ text, ips: agents.map(({ ip }) => ip) }).toEqual({ text, ips: ['10.0.0.77'] });
    }
  });

  it('finds those that are not OK', () => {
    expect(pageAgents(AGENTS, { ...ALL, troubledOnly: true }).agents).toEqual([AGENTS[77]]);
  });
});
