import { createSocket } from 'node:dgram';
import { type IpAddress, parseIpAddress } from '@overlay/allocation';
import { OverlayError, toOverlayError } from '@overlay/failure';
import { formatListenAddress, isLocalListener, type MasterAddress, missingIp } from '@overlay/model';

/** Finds the source address that this host uses towards another. */
export type RouteSource = (host: string, port: number) => Promise<string>;

/**
 * The kernel's choice of a source address: the local address of a connected UDP socket (connect(2) looks the
 * route up and sends nothing).
 */
export const kernelRouteSource: RouteSource = (host, port) => {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  return new Promise<string>((resolve, reject) => {
    socket.once('error', reject);
    socket.connect(port, host, () => resolve(socket.address().address));
  }).finally(() => socket.close());
};

/**
 * The node's underlay address: the configured one, else the source address of the route towards the master.
 * @throws OverlayError `invalid_argument` if the master is reached over loopback, which says nothing about the
 * underlay; `unavailable` if there is no route yet (try again).
 */
export async function resolveUnderlayAddress(
  configured: IpAddress | undefined,
  master: MasterAddress,
  routeSource: RouteSource,
): Promise<IpAddress> {
  if (configured !== undefined) return configured;
  const address = { kind: 'tcp', ...master } as const;
  const name = formatListenAddress(address);
  if (isLocalListener(address)) throw OverlayError.invalid([missingIp(master)]);
  let source: string;
  try {
    source = await routeSource(master.host, master.port);
  } catch (error) {
    const reason = toOverlayError(error).message;
    throw new OverlayError('unavailable', `ip: no route towards the master ${name}: ${reason}`);
  }
  if (isLocalListener({ kind: 'tcp', host: source, port: 0 }))
    throw OverlayError.invalid([missingIp(master)]);
  return parseIpAddress(source);
}
