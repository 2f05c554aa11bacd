import type { NetworkId } from '@overlay/model';
import type { OverlayLog } from '@overlay/overlay-log';
import type { Clock, Logger, Readiness } from '@overlay/service';
import type { Cluster } from '../cluster/cluster.js';
import type { ClusterDefinition } from '../cluster/plan-startup.js';
import type { FailPoints } from '../commit/fail-points.js';

/** What a replica lives on. */
export interface ReplicaDeps {
  readonly log: OverlayLog;
  readonly cluster: Cluster;
  /** What the configuration says of the cluster. */
  readonly configured: ClusterDefinition;
  readonly adoptNetworks: boolean;
  readonly newNetworkId: () => NetworkId;
  /** This master among the candidates for leadership; see `candidateOf`. */
  readonly candidate: string;
  readonly quarantineMs: number;
  /** Agents away for longer than this are deleted; undefined to keep them for ever. */
  readonly reclaimAfterMs: number | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly readiness: Readiness;
  readonly failPoints: FailPoints;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Told when this master begins and ends to lead. */
  readonly onRole: (leads: boolean) => void;
  /** Told how many changes each commit had and how long it took. */
  readonly onCommit: (changes: number, durationMs: number) => void;
}

/** Why a master is not ready while nobody leads. */
export const NOBODY_LEADS = 'no master leads: writes have to wait';
