import { describe, expect, it } from '@jest/globals';
import { type ClusterView, checkHistory, type Grant, type HistoryEvent } from './history.js';

const grantOf = (node: string, ip: string, ...values: readonly string[]): Grant => ({ node, ip, values });
const registered = (grant: Grant): HistoryEvent => ({ type: 'registered', ...grant });
const viewOf = (...grants: readonly Grant[]): ClusterView => ({ name: 'm1', grants });

const A = grantOf('a', '10.0.0.1', '44.128.0.1', '9.0.0.0/26');
const B = grantOf('b', '10.0.0.2', '44.128.0.2', '9.0.0.64/26');

describe('a history', () => {
  it('is right when everybody has what was acknowledged', () => {
    const events: readonly HistoryEvent[] = [
      { type: 'register-begun', node: 'a' },
      registered(A),
      { type: 'register-begun', node: 'b' },
      registered(B),
      { type: 'delete-begun', node: 'b' },
      { type: 'deleted', node: 'b' },
    ];
    expect(checkHistory(events, [viewOf(A)])).toEqual([]);
  });

  it('is wrong when a value had two owners, at the same time or one after the other', () => {
    const thief = grantOf('b', '10.0.0.2', '44.128.0.2', '9.0.0.0/26');
    const events: readonly HistoryEvent[] = [
      registered(A),
      { type: 'deleted', node: 'a' },
      registered(thief),
    ];
    expect(checkHistory(events, [])).toEqual([
      'the acknowledged registrations: 9.0.0.0/26 was given to a and to b',
    ]);
    expect(checkHistory([registered(A)], [viewOf(A, { ...thief, node: 'a2' })])).toContain(
      'the acknowledged registrations and m1: 9.0.0.0/26 was given to a and to a2',
    );
  });

  it('is wrong when a node was given something else than before', () => {
    const other = grantOf('a', '10.0.0.1', '44.128.0.1', '9.0.1.0/26');
    expect(checkHistory([registered(A), registered(other)], [])).toEqual([
      'the acknowledged registrations: a was given 44.128.0.1 9.0.0.0/26 and then 44.128.0.1 9.0.1.0/26',
    ]);
  });

  it('is wrong when an acknowledged registration, deletion or change of address is lost', () => {
    const moved = { ...A, ip: '10.0.0.9' };
    expect(checkHistory([registered(A)], [viewOf()])).toEqual(['m1: a was registered and is not there']);
    expect(checkHistory([registered(A), { type: 'deleted', node: 'a' }], [viewOf(A)])).toEqual([
      'm1: a was deleted and is there',
    ]);
    expect(checkHistory([registered(A), registered(moved)], [viewOf(A)])).toEqual([
      'm1: a registered 10.0.0.9 and has 10.0.0.1',
    ]);
  });

  it('leaves open what was begun and never acknowledged', () => {
    const begun: HistoryEvent = { type: 'delete-begun', node: 'a' };
    expect(checkHistory([registered(A), begun], [viewOf(A)])).toEqual([]);
    expect(checkHistory([registered(A), begun], [viewOf()])).toEqual([]);
    expect(checkHistory([{ type: 'register-begun', node: 'b' }], [viewOf(B)])).toEqual([]);
  });

  it('is wrong when somebody is there who never asked, or an address belongs to two', () => {
    expect(checkHistory([registered(A)], [viewOf(A, { ...B, ip: A.ip })])).toEqual([
      'm1: the address 10.0.0.1 belongs to a and to b',
      'm1: b is there and never asked',
    ]);
  });
});
