import { describe, expect, it } from '@jest/globals';
import { integerToAddress, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import type { NodeId, NodeRecord } from '@overlay/model';
import fc from 'fast-check';
import { ClusterRecords, vtepNumber } from './cluster-records.js';

const FIRST = vtepNumber(nodeOf('x', 0));

function nodeOf(id: string, vtep: number): NodeRecord {
  return {
    id: id as NodeId,
    ip: parseIpAddress(`10.0.0.${id.charCodeAt(0)}`),
    vtepIp: integerToAddress(4, (44n << 24n) + BigInt(vtep)),
    vtepMac: parseMacAddress('70:b3:d5:80:00:02'),
    networks: [],
    attributes: {},
  };
}

describe('ClusterRecords', () => {
  it('reads nodes as a naive sort by VTEP address does, from any address', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: -1, max: 5 })));
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 6 }), (calls, from) => {
        const records = new ClusterRecords();
        for (const [id, vtep] of calls) {
          // The log gives no address twice; -1 deletes the node.
          const taken = [...records.nodes.values()].some(
            (node) => node.id !== id && vtepNumber(node) === FIRST + vtep,
          );
          if (taken) continue;
          if (vtep < 0) records.apply([{ op: 'delete', ref: { kind: 'node', id: id as NodeId } }]);
          else records.put({ kind: 'node', node: nodeOf(id, vtep) });
        }
        const naive = [...records.nodes.values()].sort((a, b) => vtepNumber(a) - vtepNumber(b));
        expect([...records.nodesFrom()]).toEqual(naive);
        const rest = naive.filter((node) => vtepNumber(node) >= FIRST + from);
        expect([...records.nodesFrom(FIRST + from)]).toEqual(rest);
      }),
    );
  });

  it('leaves an address to the node that took it over before the other was deleted', () => {
    const records = new ClusterRecords();
    records.put({ kind: 'node', node: nodeOf('a', 1) });
    records.put({ kind: 'node', node: nodeOf('b', 1) });
    records.apply([{ op: 'delete', ref: { kind: 'node', id: 'a' as NodeId } }]);
    expect([...records.nodesFrom()].map(({ id }) => id)).toEqual(['b']);
  });
});
