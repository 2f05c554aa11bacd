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
    [
      '14 UNAVAILABLE: No connection established. Last error: Failed to connect (2026-11-29T02:59:01.687Z). Resolution note: ',
      'the connection was closed at once',
    ],
    [
      'No connection established. Last error: Error: Protocol error (2026-11-29T02:47:05.594Z)',
      'the answer is no gRPC',
    ],
    [
      'No connection established. Last error: 80CC2B197D7F0000:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/openssl/openssl/ssl/record/ssl3_record.c:350:\n',
      'TLS: wrong version number',
    ],
    [
      'No address added out of total 1 resolved errors: [listen EADDRINUSE: address already in use 127.0.0.1:5060]',
      'listen EADDRINUSE: address already in use 127.0.0.1:5060',
    ],
    [
      '14 UNAVAILABLE: Channel closed before call started',
      'it did not answer, and the connection was given up',
    ],
    ['etcdserver: no leader', 'etcdserver: no leader'],
    ['', ''],
  ])('makes of %j: %j', (text, reason) => {
    expect(transportReason(text)).toBe(reason);
  });
});
