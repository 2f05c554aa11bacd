import type { RegisterAgentResponse } from '@overlay/contracts';
import type { OverlayError } from '@overlay/failure';
import { deletedNetworkIds } from '../configuration/deleted-networks.js';
import type { HostProgress } from '../configuration/network-progress.js';
import type { PassResult } from '../configuration/plan-progress.js';
import { waitingFor } from '../daemons/is-away.js';
import { silentRows } from '../report/silent-rows.js';
import type { DockerPass } from './docker-pass.js';
import { type DockerHalfState, type DockerPicture, NO_DOCKER } from './docker-picture.js';
import { planDockerCapacity } from './plan-docker-capacity.js';
import { planDockerContainers, planStandingNetworks } from './plan-docker-containers.js';
import type { DockerWants } from './plan-docker-wants.js';

/** The results of a pass that Docker did not answer, and how it stands then. */
export interface AwayPlan {
  /** True where there is no Docker; false where it is down. */
  readonly absent: boolean;
  /** True where another engine has taken its place, so that nothing of ours will ever come back in it. */
  readonly replaced: boolean;
  readonly reason: string;
  readonly result: PassResult;
}

/**
 * What it means for the networks that Docker could not be asked. A host that has no Docker is fine without if it never had
 * one of our networks in it, or if it wants none any more and Docker was not heard of for a while; everywhere else Docker
 * is waited for like any daemon.
 * @param expected whether Docker has networks of ours, and the host uses it or may be about to start it: then it is
 * down, not absent
 */
export function planAway(error: OverlayError, socket: string, expected: boolean): AwayPlan {
  const missing = error.code === 'not_found' && !expected;
  const replaced = error.code === 'unimplemented';
  if (missing || replaced) {
    const what = missing ? `there is no Docker engine on ${socket}` : error.message;
    const reason = `the Docker half is not in use: ${what}; with docker_bridge: false none is wanted`;
    return { absent: true, replaced, reason, result: { kind: 'configured' } };
  }
  const reason = waitingFor('Docker', socket, error);
  return { absent: false, replaced, reason, result: { kind: 'waiting', reason } };
}

/**
 * The picture while Docker does not answer: what was there is still there as far as anybody knows.
 * @param silent it has not answered for long
 */
export function planAwayPicture(
  before: DockerPicture,
  registration: RegisterAgentResponse,
  progress: HostProgress,
  away: AwayPlan,
  silent: boolean,
): DockerPicture {
  const halves = new Map<string, DockerHalfState>();
  for (const [networkId, one] of progress) halves.set(networkId, { progress: one, notice: away.reason });
  if (away.absent) return { ...NO_DOCKER, halves };
  for (const networkId of deletedNetworkIds(registration)) {
    if (before.standing.has(networkId)) {
      halves.set(networkId, { progress: { kind: 'waiting', reason: away.reason }, notice: '' });
    }
  }
  const capacities = silent ? silentRows(before.capacities) : before.capacities;
  return { ...before, up: false, halves, capacities };
}

/** The picture after Docker answered. */
export function planPicture(
  before: DockerPicture,
  registration: RegisterAgentResponse,
  wants: DockerWants,
  progress: HostProgress,
  pass: DockerPass,
  nowMs: number,
): DockerPicture {
  const halves = new Map<string, DockerHalfState>();
  for (const { networkId, name } of wants.overlays) {
    const subnets = pass.unwantedSubnets.get(networkId) ?? [];
    const notice = subnets.length === 0 ? '' : unwantedText(name, pass.version, subnets);
    halves.set(networkId, { progress: progress.get(networkId) ?? { kind: 'pending' }, notice });
  }
  for (const networkId of deletedNetworkIds(registration)) {
    const error = pass.unremoved.get(networkId);
    if (error !== undefined)
      halves.set(networkId, { progress: { kind: 'retrying', error, failures: 1 }, notice: '' });
  }
  const standing = new Set(pass.standing.values());
  const containers = planDockerContainers(pass.containers, planStandingNetworks(pass.standing, registration));
  return {
    up: true,
    halves,
    standing,
    adopted: pass.adopted,
    containers,
    capacities: planDockerCapacity(wants.overlays, pass.networks, containers, before.capacities, nowMs),
  };
}

function unwantedText(name: string, version: string, subnets: readonly string[]): string {
  const what = `Docker ${version} cannot do without IPv4 and gave ${name} ${subnets.join(' and ')} of its own pools`;
  return `${what}; nothing is forwarded from or to it`;
}
