import { parseIpAddress } from '@overlay/allocation';
import type { AllocationHalf, Container } from '@overlay/contracts';
import { isFailure, OverlayError } from '@overlay/failure';

/** A container of this host as a probe reaches it. */
export interface ProbeTarget {
  readonly containerId: string;
  readonly half: AllocationHalf;
  /** The address that is probed. */
  readonly ip: string;
}

/**
 * The container that a probe means, by its id or by one of its addresses, among those that hold an address of this
 * host. By id, its IPv4 address comes first.
 * @throws OverlayError `not_found` if there is none: nothing else is ever reached; `failed_precondition` if the id
 * stands for several interfaces.
 */
export function findTarget(containers: readonly Container[], wanted: string): ProbeTarget {
  const ip = addressOf(wanted);
  const found = containers.filter((container) =>
    ip === undefined ? container.containerId === wanted : container.ip === ip || container.ip6 === ip,
  );
  const [first] = found;
  if (first === undefined) {
    const what = ip === undefined ? 'the id' : 'the address';
    throw new OverlayError('not_found', `no container of this host has ${what} "${wanted}"`);
  }
  const { containerId, half } = first;
  if (ip !== undefined) return { containerId, half, ip };
  if (found.length > 1) {
    const addresses = found
      .map((container) => `${firstAddress(container)} (${container.network})`)
      .join(', ');
    const message = `container ${containerId} has several interfaces: name one of its addresses, ${addresses}`;
    throw new OverlayError('failed_precondition', message);
  }
  return { containerId, half, ip: firstAddress(first) };
}

/** @throws OverlayError `failed_precondition` if the target's address is not this host's any more. */
export function requireOwn({ containerId, ip }: ProbeTarget, stranded: readonly Container[]): void {
  if (!stranded.some((container) => container.ip === ip || container.ip6 === ip)) return;
  const message = `container ${containerId} is stranded: ${ip} is not this host's any more; start the container anew`;
  throw new OverlayError('failed_precondition', message);
}

function firstAddress({ ip, ip6 }: Container): string {
  return ip === '' ? ip6 : ip;
}

/** The address in the spelling that lists use; undefined if the text is none, and so an id. */
function addressOf(text: string): string | undefined {
  try {
    return parseIpAddress(text);
  } catch (thrown) {
    if (isFailure(thrown, 'invalid_argument')) return undefined;
    throw thrown;
  }
}
