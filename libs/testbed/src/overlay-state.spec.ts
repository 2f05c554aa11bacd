import { describe, expect, it } from '@jest/globals';
import { listUnsettled } from './overlay-state.js';

const overlay = (name: string, status: string, error?: string) => ({
  info: { name },
  state: { status, ...(error === undefined ? {} : { error }) },
});

describe('what is unsettled', () => {
  it('names missing agents, missing networks and states other than STATUS_OK', () => {
    const state = {
      network: {},
      agents: [
        {
          ip: '1.1.1.1',
          overlays: [overlay('dcos', 'STATUS_OK'), overlay('dcos6', 'STATUS_FAILED', 'no block')],
        },
        { ip: '2.2.2.2', overlays: [overlay('dcos', 'STATUS_OK')] },
      ],
    };
    expect(listUnsettled(state, ['1.1.1.1', '2.2.2.2', '3.3.3.3'], ['dcos', 'dcos6'])).toEqual([
      'network dcos6 on agent 1.1.1.1: STATUS_FAILED (no block)',
      'agent 2.2.2.2 has no network dcos6',
      'agent 3.3.3.3 is not registered',
    ]);
  });
});
