import { describe, expect, it } from '@jest/globals';
import { Readiness } from './readiness.js';

describe('Readiness', () => {
  it('is ready when nothing stands in the way', () => {
    expect(new Readiness().reasons()).toEqual([]);
  });

  it('lists every reason, oldest first, and forgets what is cleared', () => {
    const readiness = new Readiness();
    readiness.block('log', 'cannot reach etcd');
    readiness.block('leader', 'no leader yet');
    expect(readiness.reasons()).toEqual(['log: cannot reach etcd', 'leader: no leader yet']);
    readiness.clear('log');
    readiness.clear('log');
    expect(readiness.reasons()).toEqual(['leader: no leader yet']);
    readiness.clear('leader');
    expect(readiness.reasons()).toEqual([]);
  });

  it('keeps one explanation for a reason, the last one, in its place', () => {
    const readiness = new Readiness();
    readiness.block('log', 'connecting');
    readiness.block('leader', 'no leader yet');
    readiness.block('log', 'cannot reach etcd');
    expect(readiness.reasons()).toEqual(['log: cannot reach etcd', 'leader: no leader yet']);
  });

  it('hands out lists that do not change any more', () => {
    const readiness = new Readiness();
    const before = readiness.reasons();
    readiness.block('log', 'connecting');
    expect(before).toEqual([]);
  });
});
