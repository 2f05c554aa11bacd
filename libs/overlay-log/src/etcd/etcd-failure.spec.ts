import { describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import {
  EtcdAuthenticationFailedError,
  EtcdError,
  EtcdInvalidAuthTokenError,
  EtcdPermissionDeniedError,
  GRPCDeadlineExceededError,
  GRPCFailedPreconditionError,
  GRPCInvalidArgumentError,
  GRPCUnavailableError,
} from 'etcd3';
import { etcdFailure } from './etcd-failure.js';

describe('etcdFailure', () => {
  it.each([
    ['unavailable', new GRPCUnavailableError('no connection')],
    ['unavailable', new GRPCDeadlineExceededError('late')],
    ['unavailable', new EtcdError('etcdserver: mvcc: database space exceeded')],
    ['unavailable', new Error('socket hang up')],
    ['unauthenticated', new EtcdAuthenticationFailedError('wrong')],
    ['unauthenticated', new GRPCInvalidArgumentError('etcdserver: user name is empty')],
    ['unavailable', new GRPCInvalidArgumentError('etcdserver: revision of auth store is old')],
    ['unavailable', new EtcdInvalidAuthTokenError('etcdserver: invalid auth token')],
    ['permission_denied', new EtcdPermissionDeniedError('no')],
    ['failed_precondition', new GRPCFailedPreconditionError('etcdserver: authentication is not enabled')],
    ['invalid_argument', new GRPCInvalidArgumentError('etcdserver: request is too large')],
  ])('is %s for %p, and names the endpoints', (code, thrown) => {
    const failure = etcdFailure(thrown, 'read', 'http://a:1');
    expect(failure.code).toBe(code);
    expect(failure.message).toContain('http://a:1');
    expect(failure.message).toContain(thrown.message);
  });

  it('passes what is ours already', () => {
    const failure = new OverlayError('aborted', 'x');
    expect(etcdFailure(failure, 'read', 'http://a:1')).toBe(failure);
  });
});
