import { describe, expect, it } from '@jest/globals';
import { listLostAssignments } from './kept-assignments.js';
import type { MasterState } from './overlay-state.js';

const stateOf = (
  ...agents: readonly (readonly [ip: string, subnet: string, status: string])[]
): MasterState => ({
  network: {},
  agents: agents.map(([ip, subnet, status]) => ({
    ip,
    overlays: [{ info: { name: 'dcos' }, subnet, state: { status } }],
  })),
});

describe('the assignments after a failover', () => {
  const before = stateOf(['10.0.0.1', '9.0.0.0/26', 'STATUS_OK'], ['10.0.0.2', '9.0.0.64/26', 'STATUS_OK']);

  it('are the same, however the agents stand and whoever joined', () => {
    const after = stateOf(
      ['10.0.0.2', '9.0.0.64/26', 'STATUS_CONFIGURING'],
      ['10.0.0.1', '9.0.0.0/26', 'STATUS_OK'],
      ['10.0.0.3', '9.0.0.128/26', 'STATUS_OK'],
    );
    expect(listLostAssignments(before, after)).toEqual([]);
  });

  it('are named when they changed or went', () => {
    const [changed = '', gone = ''] = listLostAssignments(
      before,
      stateOf(['10.0.0.1', '9.0.9.0/26', 'STATUS_OK']),
    );
    expect(changed).toContain('9.0.0.0/26');
    expect(changed).toContain('9.0.9.0/26');
    expect(gone).toBe('agent 10.0.0.2 is gone');
  });
});
