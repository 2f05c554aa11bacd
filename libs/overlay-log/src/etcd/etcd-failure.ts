import { OverlayError, toOverlayError, transportReason } from '@overlay/failure';
import {
  EtcdAuthenticationFailedError,
  EtcdInvalidAuthTokenError,
  EtcdPermissionDeniedError,
  GRPCInvalidArgumentError,
  GRPCUnauthenticatedError,
} from 'etcd3';

/**
 * What an error of an etcd call means for the log's caller. Whatever may have happened nevertheless, or may go
 * well later, is `unavailable`. An OverlayError passes unchanged.
 * @param doing what was tried, for the message.
 * @param where the endpoints, for the message.
 */
export function etcdFailure(thrown: unknown, doing: string, where: string): OverlayError {
  if (thrown instanceof OverlayError) return thrown;
  const reason = transportReason(toOverlayError(thrown).message);
  const message = `cannot ${doing} the overlay log in etcd at ${where}: ${reason}`;
  const options = { cause: thrown };
  if (thrown instanceof EtcdPermissionDeniedError) {
    const way = 'grant the user of log.etcd read and write on the prefix';
    return new OverlayError('permission_denied', `${message}; ${way}`, options);
  }
  // etcd tells these apart by their text only.
  if (isOldToken(thrown)) return new OverlayError('unavailable', message, options);
  if (reason.includes('authentication is not enabled')) {
    const way = 'take username and password out of log.etcd, or enable authentication in etcd';
    return new OverlayError('failed_precondition', `${message}; ${way}`, options);
  }
  if (isRefusedLogin(thrown, reason)) {
    const way = 'check log.etcd.username and log.etcd.password';
    return new OverlayError('unauthenticated', `${message}; ${way}`, options);
  }
  if (thrown instanceof GRPCInvalidArgumentError) {
    return new OverlayError('invalid_argument', message, options);
  }
  return new OverlayError('unavailable', message, options);
}

/**
 * True if etcd refused a call, before it did anything, because the client has to log in again: the token is unknown there,
 * or users or roles changed since, which etcd calls an invalid argument.
 */
export function isOldToken(thrown: unknown): boolean {
  if (thrown instanceof EtcdInvalidAuthTokenError) return true;
  return toOverlayError(thrown).message.includes('revision of auth store is old');
}

function isRefusedLogin(thrown: unknown, reason: string): boolean {
  if (thrown instanceof EtcdAuthenticationFailedError || thrown instanceof GRPCUnauthenticatedError)
    return true;
  return reason.includes('user name is empty');
}
