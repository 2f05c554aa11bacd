import { describe, expect, it } from '@jest/globals';
import { AllocationHalf, Capacity } from '@overlay/contracts';
import { parseNodeId } from '@overlay/model';
import { hasRoom } from './has-room.js';
import { HostRows } from './host-rows.js';

const { CNI, DOCKER } = AllocationHalf;

describe('hasRoom', () => {
  const rows = new HostRows<Capacity>(({ network, half, family }) => [network, half, family].join('\n'));
  const report = (
    node: string,
    ...reported: readonly (readonly [string, AllocationHalf, number, bigint])[]
  ) => {
    const capacities = reported.map(([network, half, family, free]) =>
      Capacity.create({ agentIp: `10.0.0.${node}`, network, half, family, free }),
    );
    rows.replace(parseNodeId(node), [], capacities);
    return capacities;
  };
  const full = report('1', ['dcos', CNI, 4, 0n], ['dcos', CNI, 6, 2n ** 47n], ['dcos', DOCKER, 4, 29n]);
  const roomy = report('2', ['dcos', CNI, 4, 5n], ['dcos', CNI, 6, 9n], ['other', CNI, 4, 1n]);
  const having = (containers: bigint) =>
    [...full, ...roomy]
      .filter((row) => hasRoom(rows, row, containers))
      .map(({ agentIp, network, half, family }) => `${agentIp} ${network} ${half} ${family}`);

  it('wants an address of every family of the half', () => {
    expect(having(1n)).toEqual([
      `10.0.0.1 dcos ${DOCKER} 4`,
      `10.0.0.2 dcos ${CNI} 4`,
      `10.0.0.2 dcos ${CNI} 6`,
      `10.0.0.2 other ${CNI} 4`,
    ]);
    expect(having(6n)).toEqual([`10.0.0.1 dcos ${DOCKER} 4`]);
  });

  it('takes every row if nothing is wanted', () => {
    expect(having(0n)).toHaveLength(6);
  });

  it('has none where nobody may be left', () => {
    const [silent] = report('3', ['dcos', CNI, 4, 9n]);
    if (silent === undefined) throw new Error('no row');
    expect(hasRoom(rows, { ...silent, silent: true }, 1n)).toBe(false);
    expect(hasRoom(rows, { ...silent, silent: true }, 0n)).toBe(true);
  });
});
