import { OverlayError, toOverlayError, transportReason } from '@overlay/failure';

/** Who was asked, and what to do when no answer comes. */
export interface AskedServer {
  /** For example `the master at 127.0.0.1:5060`. */
  readonly server: string;
  readonly wayOut: string;
}

/** The failure of a call, with the server's address and the way out where the server gave no answer of its own. */
export function explainFailure(thrown: unknown, { server, wayOut }: AskedServer): OverlayError {
  const error = toOverlayError(thrown);
  const { code, leader } = error;
  if (code === 'unavailable' && leader !== undefined) {
    return new OverlayError(code, `${server} does not lead; repeat this with --master ${leader}`, { leader });
  }
  if (code === 'unavailable') {
    return new OverlayError(code, `cannot reach ${server} (${transportReason(error.message)}): ${wayOut}`, {
      cause: error,
    });
  }
  if (code === 'deadline_exceeded') {
    const message = `${server} did not answer in time: raise --timeout, or ${wayOut}`;
    return new OverlayError(code, message, { cause: error });
  }
  if (code === 'unimplemented') {
    return new OverlayError(code, `${server} does not know this command: it is of another version`, {
      cause: error,
    });
  }
  return error;
}
