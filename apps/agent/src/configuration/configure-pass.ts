import { join } from 'node:path';
import {
  type AgentNetwork,
  type ApplyHostResponse,
  NetworkStatus,
  type RegisterAgentResponse,
} from '@overlay/contracts';
import { toOverlayError } from '@overlay/failure';
import type { AgentConfig } from '@overlay/model';
import { applyCniFiles, type WantedFile } from '../cni/apply-cni-files.js';
import type { DataplaneLink } from '../daemons/dataplane-link.js';
import type { IpamLink } from '../daemons/ipam-link.js';
import { isAway, waitingFor } from '../daemons/is-away.js';
import { applyPools } from './apply-pools.js';
import { cniHalfOf, missingBlock } from './cni-half.js';
import { deletedNetworkIds, stayingNetworks } from './deleted-networks.js';
import { type CniPorts, cniFolders, planHostCniFiles } from './host-cni-files.js';
import { exposedNetworks, planOpenNetworks } from './open-networks.js';
import { planHost } from './plan-host.js';
import type { PassResult } from './plan-progress.js';
import { NO_REMOVALS, type Removals, removeNetworks } from './remove-networks.js';

/** What a host is configured through. */
export interface HostPorts extends CniPorts {
  readonly dataplane: DataplaneLink;
  readonly ipam: IpamLink;
}

/** What a pass leaves for the next one. */
export interface PassMemory {
  /**
   * Ids of the networks whose pools overlay-ipam has; undefined while that is unknown, for a process before this one may
   * have given some: then what was tried and failed keeps its pool.
   */
  readonly pools: ReadonlySet<string> | undefined;
  /** Ids of the networks that may be open, see {@link planOpenNetworks}. */
  readonly open: ReadonlySet<string>;
}

/** What the first pass of a process knows. */
export const FIRST_PASS: PassMemory = { pools: undefined, open: new Set() };

/** What a pass over the host found. */
export interface PassOutcome extends PassMemory, Removals {
  readonly results: ReadonlyMap<string, PassResult>;
  /** Why a daemon could not be reached; undefined if it answered or was not needed. */
  readonly dataplaneAway?: string;
  readonly ipamAway?: string;
  /** Paths of the CNI files that were removed. */
  readonly removedFiles: readonly string[];
}

type Results = Map<string, PassResult>;

/**
 * Configures every network of the assignment once, in the order of the data's way: kernel, pools, CNI files, so
 * that a runtime finds a configuration only when everything behind it stands. Repeatable; what is right already
 * is not written again. While the dataplane is away everything stays as it is, but for what containers would start by in
 * a network that shall be isolated and may be open.
 * @param before what the pass before left
 * @param isInDocker whether Docker still has a network; the dataplane is rid of one being deleted only after Docker is
 */
export async function configurePass(
  registration: RegisterAgentResponse,
  config: AgentConfig,
  ports: HostPorts,
  before: PassMemory,
  isInDocker: (networkId: string) => boolean,
  signal: AbortSignal,
): Promise<PassOutcome> {
  const networks = stayingNetworks(registration);
  const results: Results = new Map(networks.map(({ networkId }) => [networkId, { kind: 'configured' }]));
  for (const network of networks) {
    const error = missingBlock(network, config.network);
    if (error !== undefined) results.set(network.networkId, { kind: 'hopeless', error });
  }
  const { away, open, isApplied } = await applyHost(
    registration,
    config,
    ports.dataplane,
    results,
    before.open,
    signal,
  );
  const kernel = { open, ...(away === undefined ? {} : { dataplaneAway: away }) };
  if (away !== undefined && exposedNetworks(networks, open).length === 0)
    return { results, ...kernel, pools: before.pools, ...NO_REMOVALS, removedFiles: [] };
  const applied = await configurePools(networks, config, ports.ipam, results, before.pools, signal);
  const { clean, removedFiles } = await writeCniFiles(networks, config, ports, results);
  const outcome = { results, ...kernel, ...applied, removedFiles };
  if (!clean || !isApplied || applied.ipamAway !== undefined) return { ...outcome, ...NO_REMOVALS };
  // Until the last container is off its bridge, an isolated network stays closed.
  const deleted = deletedNetworkIds(registration).filter((networkId) => !isInDocker(networkId));
  return { ...outcome, ...(await removeNetworks(deleted, ports.dataplane, signal)) };
}

/** How the kernel stands after a description. */
interface AppliedHost {
  /** Why the dataplane could not be reached; undefined if it answered. */
  readonly away?: string;
  /** Ids of the networks that may be open. */
  readonly open: ReadonlySet<string>;
  readonly isApplied: boolean;
}

async function applyHost(
  registration: RegisterAgentResponse,
  config: AgentConfig,
  dataplane: DataplaneLink,
  results: Results,
  openBefore: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<AppliedHost> {
  const networks = stayingNetworks(registration);
  let answer: ApplyHostResponse;
  try {
    answer = await dataplane.applyHost(planHost(registration, config.network), signal);
  } catch (thrown) {
    const error = toOverlayError(thrown);
    const away = isAway(error);
    const reason = away ? waitingFor('overlay-dataplane', dataplane.socket, error) : error.message;
    const open = planOpenNetworks(networks, openBefore, undefined);
    const exposed = exposedNetworks(networks, open);
    setAll(results, exposed, { kind: 'hopeless', error: `its isolation is not enforced: ${reason}` });
    setAll(results, networks, away ? { kind: 'waiting', reason } : { kind: 'error', error: reason });
    return { open, isApplied: false, ...(away ? { away: reason } : {}) };
  }
  const failed = new Set<string>();
  for (const { networkId, state } of answer.networks) {
    if (state?.status !== NetworkStatus.FAILED) continue;
    failed.add(networkId);
    const spec = networks.find((network) => network.networkId === networkId)?.network;
    // While isolation cannot be enforced nothing may start in the network: its file goes at once.
    const kind = spec?.isolated === true ? 'hopeless' : 'error';
    if (results.get(networkId)?.kind === 'configured') results.set(networkId, { kind, error: state.error });
  }
  return { open: planOpenNetworks(networks, openBefore, failed), isApplied: true };
}

async function configurePools(
  networks: readonly AgentNetwork[],
  config: AgentConfig,
  ipam: IpamLink,
  results: Results,
  before: ReadonlySet<string> | undefined,
  signal: AbortSignal,
): Promise<{ readonly pools: ReadonlySet<string> | undefined; readonly ipamAway?: string }> {
  if (!config.network.allocateSubnet) return { pools: new Set() };
  const usable = networks.filter(
    (network) =>
      cniHalfOf(network, config.network) !== undefined &&
      (isConfigured(results, network) ||
        (isTried(results, network) && (before?.has(network.networkId) ?? true))),
  );
  try {
    const { accepted, refused } = await applyPools(ipam, usable, before, config.network, signal);
    for (const [networkId, error] of refused) results.set(networkId, { kind: 'error', error });
    return { pools: accepted };
  } catch (thrown) {
    const reason = waitingFor('overlay-ipam', ipam.socket, thrown);
    const waiting = usable.filter((network) => isConfigured(results, network));
    setAll(results, waiting, { kind: 'waiting', reason });
    return { pools: before, ipamAway: reason };
  }
}

/** Resolves with whether every folder could be brought in order, and the paths of what was removed. */
async function writeCniFiles(
  networks: readonly AgentNetwork[],
  config: AgentConfig,
  ports: HostPorts,
  results: Results,
): Promise<{ readonly clean: boolean; readonly removedFiles: readonly string[] }> {
  let clean = true;
  const removedFiles: string[] = [];
  const planned = await planHostCniFiles(networks, config, ports);
  const ready = planned.filter(({ network }) => isConfigured(results, network));
  const unsettled = planned.filter(({ network }) => isTried(results, network));
  for (const { directory, fileOf } of cniFolders(ports)) {
    const wanted: WantedFile[] = ready.map(({ network, files }) => ({
      networkId: network.networkId,
      file: fileOf(files),
    }));
    const kept = new Set(unsettled.map(({ files }) => fileOf(files).name));
    try {
      const { errors, removed } = await applyCniFiles(directory, wanted, kept);
      removedFiles.push(...removed.map((name) => join(directory.path, name)));
      for (const [networkId, error] of errors) results.set(networkId, { kind: 'error', error });
    } catch (thrown) {
      const error = `${directory.path}: ${toOverlayError(thrown).message}`;
      const concerned = ready.map(({ network }) => network);
      setAll(results, concerned, { kind: 'error', error });
      clean = false;
    }
  }
  return { clean, removedFiles };
}

function setAll(results: Results, networks: readonly AgentNetwork[], result: PassResult): void {
  for (const { networkId } of networks) {
    if (results.get(networkId)?.kind === 'configured') results.set(networkId, result);
  }
}

function isConfigured(results: Results, network: AgentNetwork): boolean {
  return results.get(network.networkId)?.kind === 'configured';
}

/** Still being tried: what already stands for the network stays until the matter is settled. */
function isTried(results: Results, network: AgentNetwork): boolean {
  const kind = results.get(network.networkId)?.kind;
  return kind === 'waiting' || kind === 'error';
}
