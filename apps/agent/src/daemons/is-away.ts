import { type OverlayError, toOverlayError } from '@overlay/failure';

/** Whether a failed call means that the daemon is not there (now), rather than that it refused. */
export function isAway(error: OverlayError): boolean {
  return error.code === 'unavailable' || error.code === 'deadline_exceeded' || error.code === 'aborted';
}

/** How to say that a daemon is waited for, naming its socket. */
export function waitingFor(daemon: string, socket: string, thrown: unknown): string {
  return `waiting for ${daemon} on ${socket}: ${toOverlayError(thrown).message}`;
}
