import { describe, expect, it } from '@jest/globals';
import { AllocationHalf, Container, ReportAgentRequest } from '@overlay/contracts';
import { LEFT_OUT_LABEL } from './bound-labels.js';
import { leftOutOf, planReport } from './plan-report.js';

const MIB = 1024 * 1024;

function container(index: number, labels: Record<string, string>): Container {
  const containerId = String(index).padStart(64, '0');
  return Container.create({ containerId, network: 'dcos', half: AllocationHalf.CNI, ip: '9.0.0.5', labels });
}

function report(containers: readonly Container[]) {
  const planned = planReport('n1', { assignment: undefined, containers, capacities: [], removed: [] });
  return { planned, bytes: ReportAgentRequest.encode(planned).finish().length };
}

const labelsOf = (bytes: number) =>
  Object.fromEntries(Array.from({ length: 16 }, (_, at) => [`key-${at}`, 'x'.repeat(bytes / 16 - 6)]));

describe('planReport', () => {
  it('tells everything where it fits', () => {
    const containers = [container(1, { app: 'web' }), container(2, {})];
    expect(report(containers).planned.containers).toEqual(containers);
  });

  it('stays under 1 MiB with a container of huge labels', () => {
    const labels = { app: 'web', blob: 'x'.repeat(5 * MIB) };
    const { planned, bytes } = report([container(1, labels)]);
    expect(bytes).toBeLessThan(MIB);
    expect(planned.containers[0]?.labels).toEqual({ app: 'web', [LEFT_OUT_LABEL]: '1' });
  });

  it('cuts the largest labels of many containers and leaves no container out', () => {
    const many = Array.from({ length: 700 }, (_, at) => container(at, labelsOf(8000)));
    const small = container(700, { app: 'web' });
    const { planned, bytes } = report([...many, small]);
    expect(bytes).toBeLessThan(MIB);
    expect(bytes).toBeGreaterThan(MIB / 4);
    expect(planned.containers).toHaveLength(701);
    expect(planned.containers.at(-1)).toEqual(small);
    expect(leftOutOf(planned)).toMatchObject({ containers: 700 });
    expect(planned.containers[0]?.labels['key-0']).toBeDefined();
  });

  it('does without labels where containers alone fill the message', () => {
    const many = Array.from({ length: 6500 }, (_, at) => container(at, { app: `web-${'x'.repeat(200)}` }));
    expect(report(many).bytes).toBeLessThan(MIB);
  });
});
