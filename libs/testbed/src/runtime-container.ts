import { OverlayError } from '@overlay/failure';
import type { CniAddress } from './cni-chain.js';

/** A running container of a real runtime. */
export interface RuntimeContainer {
  /** The runtime's own id. */
  readonly id: string;
  /** Its first process, seen from the machine. */
  readonly pid: number;
  readonly addresses: readonly CniAddress[];
}

interface Endpoint {
  readonly IPAddress?: string;
  readonly IPPrefixLen?: number;
  readonly Gateway?: string;
  readonly GlobalIPv6Address?: string;
  readonly GlobalIPv6PrefixLen?: number;
  readonly IPv6Gateway?: string;
}

interface Inspection {
  readonly Id: string;
  readonly State: { readonly Pid: number };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, Endpoint>> };
}

/**
 * Reads what `docker inspect` and `podman inspect` print about one container.
 *
 * @param network whose addresses are wanted.
 * @throws OverlayError `not_found` if the container is not on that network.
 */
export function parseInspection(text: string, network: string): RuntimeContainer {
  const [inspection] = JSON.parse(text) as readonly Inspection[];
  const endpoint = inspection?.NetworkSettings.Networks[network];
  if (inspection === undefined || endpoint === undefined) {
    throw new OverlayError('not_found', `the runtime shows no container on network ${network}`);
  }
  return {
    id: inspection.Id,
    pid: inspection.State.Pid,
    addresses: [
      ...address(endpoint.IPAddress, endpoint.IPPrefixLen, endpoint.Gateway),
      ...address(endpoint.GlobalIPv6Address, endpoint.GlobalIPv6PrefixLen, endpoint.IPv6Gateway),
    ],
  };
}

/** They write an empty text for what is not there. */
function address(ip = '', length = 0, gateway = ''): readonly CniAddress[] {
  if (ip === '') return [];
  return [{ address: `${ip}/${length}`, ...(gateway === '' ? {} : { gateway }) }];
}
