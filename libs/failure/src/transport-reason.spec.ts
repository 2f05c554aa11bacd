import { describe, expect, it } from '@jest/globals';
import { transportReason } from './transport-reason.js';

describe('transportReason', () => {
  it.each([
    [
      '14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 10.0.0.1:1. Resolution note: ',
      'connect ECONNREFUSED 10.0.0.1:1',
    ],
    ['No connection established. Last error: connect EHOSTUNREACH', 'connect EHOSTUNREACH'],
    [
      '4 DEADLINE_EXCEEDED: Deadline exceeded after 3.001s,waiting for name resolution',
      'no answer within 3.001 s',
    ],
    ['Deadline exceeded after 3.001s,LB pick: 0.001s,remote_addr=10.0.0.1:1', 'no answer within 3.001 s'],
    [
      '14 UNAVAILABLE: Name resolution failed for target dns:etcd1:2379',
      'the name in etcd1:2379 cannot be resolved',
    ],
    ['etcdserver: no leader', 'etcdserver: no leader'],
    ['', ''],
  ])('makes of %j: %j', (text, reason) => {
    expect(transportReason(text)).toBe(reason);
  });
});
