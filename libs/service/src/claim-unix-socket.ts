import { rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { makeFolder } from '@overlay/disk-room';
import { errnoOf, OverlayError, toOverlayError } from '@overlay/failure';
import type { ListenAddress } from '@overlay/model';

/**
 * Makes the path of a unix socket free for listening: creates its folder and removes a socket that a dead
 * process left. Does nothing for TCP addresses.
 * @param key the setting that the address comes from, for errors
 * @throws OverlayError `failed_precondition` naming the key if a live process listens there, if something
 * that is no socket stands there, or if the path cannot be used.
 */
export async function claimUnixSocket(key: string, address: ListenAddress): Promise<void> {
  if (address.kind === 'tcp') return;
  const { path } = address;
  if (!(await isSocketThere(key, path))) return;
  const state = await socketState(path);
  if (state !== 'dead') {
    const what = state === 'live' ? 'another process listens on' : `cannot tell who owns (${state})`;
    const message = `${key}: ${what} ${path}: stop it or choose another path`;
    throw new OverlayError('failed_precondition', message);
  }
  await rm(path, { force: true });
}

async function isSocketThere(key: string, path: string): Promise<boolean> {
  try {
    makeFolder(dirname(path), 0o777);
    if ((await stat(path)).isSocket()) return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    const reason = toOverlayError(error).message;
    throw new OverlayError('failed_precondition', `${key}: cannot use ${path}: ${reason}`, { cause: error });
  }
  throw new OverlayError('failed_precondition', `${key}: ${path} exists and is not a socket: remove it`);
}

/** `dead` only if the kernel says that nobody listens; else `live` or the code of the error. */
function socketState(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('live');
    });
    socket.once('error', (error) => resolve(stateOfError(errnoOf(error))));
  });
}

function stateOfError(code: string): string {
  if (code === 'ECONNREFUSED' || code === 'ENOENT') return 'dead';
  // A listener whose queue of waiting connections is full (unix(7)).
  return code === 'EAGAIN' ? 'live' : code;
}
