import { describe, expect, it } from '@jest/globals';
import { Capacity, Container } from '@overlay/contracts';
import { parseNodeId } from '@overlay/model';
import { AgentReports } from './agent-reports.js';

const N1 = parseNodeId('n1');

/** Decoded anew for every heartbeat, as gRPC does. */
function reportOf(labels: Readonly<Record<string, string>>, used: bigint, receivedAtMs: number) {
  const place = { agentIp: '10.0.0.1', network: 'dcos' };
  return {
    states: new Map(),
    containers: [Container.fromPartial({ ...place, containerId: 'c1', ip: '9.0.0.2', labels })],
    capacities: [Capacity.fromPartial({ ...place, half: 1, family: 4, total: 30n, used })],
    receivedAtMs,
  };
}

function rowsOf(reports: AgentReports) {
  const [container] = reports.containerRows.after(undefined);
  const [capacity] = reports.capacityRows.after(undefined);
  return { container: container?.row, capacity: capacity?.row };
}

describe('AgentReports', () => {
  it('keeps its rows, not equal ones, when a report repeats the one before', () => {
    const reports = new AgentReports();
    reports.set(N1, reportOf({ task: 'web' }, 1n, 1), 0);
    const before = rowsOf(reports);
    reports.set(N1, reportOf({ task: 'web' }, 1n, 2), 0);
    expect(reports.get(N1)?.receivedAtMs).toBe(2);
    const after = rowsOf(reports);
    expect(after.container).toBe(before.container);
    expect(after.capacity).toBe(before.capacity);
  });

  it('takes over whatever changed', () => {
    const reports = new AgentReports();
    reports.set(N1, reportOf({ task: 'web' }, 1n, 1), 0);
    reports.set(N1, reportOf({ task: 'db' }, 2n, 2), 0);
    expect(rowsOf(reports)).toMatchObject({ container: { labels: { task: 'db' } }, capacity: { used: 2n } });
    reports.set(N1, { ...reportOf({}, 2n, 3), containers: [] }, 0);
    expect(rowsOf(reports)).toMatchObject({ container: undefined, capacity: { used: 2n } });
    expect(reports.containers.nodesWith('c1')).toEqual([]);
  });

  it('forgets a node wholly', () => {
    const reports = new AgentReports();
    reports.set(N1, reportOf({}, 1n, 1), 0);
    reports.delete(N1);
    reports.delete(N1);
    expect(rowsOf(reports)).toEqual({ container: undefined, capacity: undefined });
    expect(reports.get(N1)).toBeUndefined();
  });

  it('marks what an agent said as silent until it speaks again, and tells watchers', async () => {
    const reports = new AgentReports();
    reports.set(N1, reportOf({}, 1n, 1), 1_000);
    const stop = new AbortController();
    const clock = { sleep: () => Promise.resolve() };
    const changes = reports.capacities.watch({ network: '', clock, signal: stop.signal });
    reports.markSilent(1_000);
    expect(rowsOf(reports).capacity?.silent).toBe(false);
    reports.markSilent(1_001);
    expect(rowsOf(reports).capacity).toMatchObject({ silent: true, used: 1n });
    expect((await changes.next()).value).toMatchObject([{ silent: true }]);
    reports.set(N1, reportOf({}, 1n, 2), 2_000);
    expect(rowsOf(reports).capacity?.silent).toBe(false);
    expect((await changes.next()).value).toMatchObject([{ silent: false }]);
    stop.abort();
  });

  it('looks only at those that were heard longest ago', () => {
    const reports = new AgentReports();
    const N2 = parseNodeId('n2');
    const other = reportOf({}, 5n, 1);
    reports.set(N1, reportOf({}, 1n, 1), 1_000);
    reports.set(
      N2,
      { ...other, capacities: other.capacities.map((row) => ({ ...row, agentIp: '10.0.0.2' })) },
      1_500,
    );
    reports.set(N1, reportOf({}, 1n, 1), 2_000);
    reports.markSilent(1_800);
    const silent = [...reports.capacityRows.after(undefined)].map(({ row }) => [row.agentIp, row.silent]);
    expect(silent).toEqual([
      ['10.0.0.1', false],
      ['10.0.0.2', true],
    ]);
    reports.delete(N1);
    reports.markSilent(9_000);
    expect(reports.get(N1)).toBeUndefined();
  });
});
