import { describe, expect, it } from '@jest/globals';
import { Container } from '@overlay/contracts';
import { parseNodeId } from '@overlay/model';
import fc from 'fast-check';
import { ContainerIndex } from './container-index.js';

const N1 = parseNodeId('n1');
const N2 = parseNodeId('n2');
const container = (containerId: string, ip: string, ip6 = '') =>
  Container.fromPartial({ containerId, ip, ip6 });

describe('ContainerIndex', () => {
  it('knows a container by its id and by each address', () => {
    const index = new ContainerIndex();
    index.replace(N1, [], [container('a', '9.0.0.2', 'fd01:b::2')]);
    for (const name of ['a', '9.0.0.2', 'fd01:b::2']) expect(index.nodesWith(name)).toEqual([N1]);
    expect(index.nodesWith('')).toEqual([]);
  });

  it('lists every agent that reports the id', () => {
    const index = new ContainerIndex();
    index.replace(N1, [], [container('a', '9.0.0.2')]);
    index.replace(N2, [], [container('a', '9.0.0.66')]);
    expect(index.nodesWith('a')).toEqual([N1, N2]);
    expect(index.nodesWith('9.0.0.66')).toEqual([N2]);
  });

  it('holds what the last reports say, whatever came before', () => {
    const report = fc.array(
      fc
        .tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('', '1', '2', '3'))
        .map(([id, ip]) => container(id, ip)),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(N1, N2), report)), (reports) => {
        const index = new ContainerIndex();
        const last = new Map<string, readonly Container[]>();
        for (const [node, containers] of reports) {
          index.replace(node, last.get(node) ?? [], containers);
          last.set(node, containers);
        }
        for (const name of ['a', 'b', 'c', 'd', '1', '2', '3']) {
          const expected = [N1, N2].filter((node) =>
            last.get(node)?.some(({ containerId, ip }) => containerId === name || ip === name),
          );
          expect([...index.nodesWith(name)].sort()).toEqual(expected);
        }
      }),
    );
  });
});
