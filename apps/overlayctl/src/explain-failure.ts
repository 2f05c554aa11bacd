import { OverlayError, toOverlayError, transportReason } from '@overlay/failure';

/** Who was asked, and what to do when no answer comes. */
export interface AskedServer {
  /** For example `the master at 127.0.0.1:5060`. */
  readonly server: string;
  readonly wayOut: string;
}

/** How a connection fails, in the system's words or gRPC's; anything else that is unavailable was said by the server. */
const NO_CONNECTION =
  /^(?:\w+ )?E[A-Z]{3,}\b|^Connection dropped|^No connection|^the name in |^TLS: |^the connection was closed|^the answer is no gRPC|certificate|network socket|RST_STREAM|^$/;

/** What the kernel says of a unix socket that belongs to others. */
const NO_ACCESS = /^connect E(?:ACCES|PERM)\b/;

/**
 * The failure of a call, with the server's address, and with the way out where the server gave no answer of its own. What
 * the server itself says of a write that it could not finish is told as it is: it may have happened.
 */
export function explainFailure(thrown: unknown, { server, wayOut }: AskedServer): OverlayError {
  const error = toOverlayError(thrown);
  const { code, leader } = error;
  if (code === 'unavailable' && leader !== undefined) {
    return new OverlayError(code, `${server} does not lead; repeat this with --master ${leader}`, { leader });
  }
  if (code === 'unavailable') {
    const reason = transportReason(error.message);
    const way = NO_ACCESS.test(reason) ? 'repeat this as root or as the user that owns the socket' : wayOut;
    const message = NO_CONNECTION.test(reason)
      ? `cannot reach ${server} (${reason}): ${way}`
      : `${server} says: ${reason}`;
    return new OverlayError(code, message, { cause: error });
  }
  if (code === 'deadline_exceeded') {
    const message = `${server} did not answer in time: raise --timeout, or ${wayOut}`;
    return new OverlayError(code, message, { cause: error });
  }
  if (code === 'aborted') {
    return new OverlayError(code, `${server} ended the call (${error.message}): repeat this`, {
      cause: error,
    });
  }
  if (code === 'unimplemented') {
    return new OverlayError(code, `${server} does not know this command: it is of another version`, {
      cause: error,
    });
  }
  return error;
}
