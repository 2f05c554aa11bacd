import {
  type AgentNetwork,
  type Container,
  type GetStatusResponse,
  type KernelObjectFailure,
  type NetworkState,
  NetworkStatus,
} from '@overlay/contracts';
import type { DockerHalfState } from '../docker/docker-picture.js';
import type { HostProgress, NetworkProgress } from './network-progress.js';
import { strandedState } from './stranded-containers.js';

/** How the Docker halves stand. */
export interface DockerHalves {
  /** Ids of the networks that have one on this host. */
  readonly wanted: ReadonlySet<string>;
  /** How far each has come. */
  readonly halves: ReadonlyMap<string, DockerHalfState>;
}

/** What there is to know of a host for the states of its networks. */
export interface HostFindings {
  /** Undefined until it answered. */
  readonly dataplane: GetStatusResponse | undefined;
  readonly docker: DockerHalves;
  /** See {@link strandedContainers}. */
  readonly stranded: readonly Container[];
}

const FINE: NetworkState = { status: NetworkStatus.OK, error: '' };

/** From the best to the worst. */
const SEVERITY: readonly NetworkStatus[] = [
  NetworkStatus.OK,
  NetworkStatus.CONFIGURING,
  NetworkStatus.FAILED,
];

/**
 * The state of each assigned network as reported and shown: how its configuration went, and for configured ones
 * what the dataplane says now. A network that the dataplane fails is FAILED; objects that it could not write,
 * its own or the whole host's (a peer's route, say), are told in the error while the rest works. The Docker half
 * counts as much: the worse status of the two stands, with what there is to say of both. So do containers that are
 * stranded on another block.
 */
export function planNetworkStates(
  networks: readonly AgentNetwork[],
  progress: HostProgress,
  { dataplane, docker, stranded }: HostFindings,
): ReadonlyMap<string, NetworkState> {
  return new Map(
    networks.map((network) => {
      const { networkId } = network;
      const own = stateOf(progress.get(networkId) ?? { kind: 'pending' });
      const merged = own.status === NetworkStatus.OK ? withDataplane(networkId, dataplane) : own;
      const both = worseOf(merged, dockerState(networkId, docker));
      return [networkId, worseOf(both, strandedState(network, stranded) ?? FINE)];
    }),
  );
}

function dockerState(networkId: string, { wanted, halves }: DockerHalves): NetworkState {
  const half = halves.get(networkId);
  if (half === undefined) return stateOf({ kind: wanted.has(networkId) ? 'pending' : 'configured' });
  const state = stateOf(half.progress);
  return state.status === NetworkStatus.OK ? { ...state, error: half.notice } : state;
}

function worseOf(one: NetworkState, other: NetworkState): NetworkState {
  const worst = Math.max(SEVERITY.indexOf(one.status), SEVERITY.indexOf(other.status));
  const errors = [one.error, other.error].filter((error) => error !== '');
  return { status: SEVERITY[worst] ?? one.status, error: errors.join('; ') };
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

function withDataplane(networkId: string, dataplane: GetStatusResponse | undefined): NetworkState {
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
