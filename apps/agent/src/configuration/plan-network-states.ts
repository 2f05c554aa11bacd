import {
  type AgentNetwork,
  type GetStatusResponse,
  type KernelObjectFailure,
  type NetworkState,
  NetworkStatus,
} from '@overlay/contracts';
import type { HostProgress, NetworkProgress } from './network-progress.js';

/**
 * The state of each assigned network as reported and shown: how its configuration went, and for configured ones
 * what the dataplane says now. A network that the dataplane fails is FAILED; objects that it could not write,
 * its own or the whole host's (a peer's route, say), are told in the error while the rest works.
 */
export function planNetworkStates(
  networks: readonly AgentNetwork[],
  progress: HostProgress,
  dataplane: GetStatusResponse | undefined,
): ReadonlyMap<string, NetworkState> {
  return new Map(
    networks.map(({ networkId }) => {
      const own = stateOf(progress.get(networkId) ?? { kind: 'pending' });
      return [networkId, own.status === NetworkStatus.OK ? merged(networkId, dataplane) : own];
    }),
  );
}

function stateOf(progress: NetworkProgress): NetworkState {
  switch (progress.kind) {
    case 'pending':
      return { status: NetworkStatus.CONFIGURING, error: '' };
    case 'waiting':
      return { status: NetworkStatus.CONFIGURING, error: progress.reason };
    case 'retrying':
      return { status: NetworkStatus.CONFIGURING, error: progress.error };
    case 'configured':
      return { status: NetworkStatus.OK, error: '' };
    case 'failed':
      return { status: NetworkStatus.FAILED, error: progress.error };
  }
}

function merged(networkId: string, dataplane: GetStatusResponse | undefined): NetworkState {
  const told = dataplane?.networks.find((network) => network.networkId === networkId)?.state;
  if (told?.status === NetworkStatus.FAILED) return told;
  const failures = dataplane?.failures.filter(
    (failure) => failure.networkId === networkId || failure.networkId === '',
  );
  return { status: NetworkStatus.OK, error: describeFailures(failures ?? []) };
}

function describeFailures(failures: readonly KernelObjectFailure[]): string {
  const [first] = failures;
  if (first === undefined) return '';
  const count = failures.length === 1 ? '1 kernel object' : `${failures.length} kernel objects`;
  return `${count} could not be written: ${first.kind} ${first.object}: ${first.error}`;
}
