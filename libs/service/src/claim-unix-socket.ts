import { mkdir, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { OverlayError } from '@overlay/failure';
import type { ListenAddress } from '@overlay/model';

/**
 * Makes the path of a unix socket free for listening: creates its folder and removes a socket that a dead
 * process left. Does nothing for TCP addresses.
 * @param key the setting that the address comes from, for errors
 * @throws OverlayError `failed_precondition` naming the key if a live process listens there, or if something
 * that is no socket stands there.
 */
export async function claimUnixSocket(key: string, address: ListenAddress): Promise<void> {
  if (address.kind === 'tcp') return;
  const { path } = address;
  await mkdir(dirname(path), { recursive: true });
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new OverlayError('failed_precondition', `${key}: ${path} exists and is not a socket: remove it`);
  }
  if (await answers(path)) {
    const message = `${key}: another process listens on ${path}: stop it or choose another path`;
    throw new OverlayError('failed_precondition', message);
  }
  await rm(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
