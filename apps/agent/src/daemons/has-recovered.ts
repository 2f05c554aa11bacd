import { type GetStatusResponse, NetworkStatus } from '@overlay/contracts';

/** Whether overlay-dataplane says of a network that it is well of which it said before that it failed. */
export function hasRecovered(before: GetStatusResponse | undefined, now: GetStatusResponse): boolean {
  const failed = new Set(
    (before?.networks ?? [])
      .filter(({ state }) => state?.status === NetworkStatus.FAILED)
      .map(({ networkId }) => networkId),
  );
  return now.networks.some(
    ({ networkId, state }) => state?.status === NetworkStatus.OK && failed.has(networkId),
  );
}
