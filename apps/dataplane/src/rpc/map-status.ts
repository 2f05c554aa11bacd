import {
  type DataplaneNetworkStatus,
  type GetStatusResponse,
  type KernelObjectFailure,
  NetworkStatus,
} from '@overlay/contracts';
import { changeLines } from '../kernel/iproute/change-lines.js';
import { KERNEL_OBJECT_KINDS, type KernelObject } from '../kernel/kernel-object.js';
import { ADMISSION_SET, ADMISSION_TABLE, DOCKER_CHAIN } from '../kernel/ownership.js';
import { networkOfObject } from '../reconcile/network-of-object.js';
import { networkStandings } from '../reconcile/network-standing.js';
import type { Reconciler } from '../reconcile/reconciler.js';

const MAX_FAILURES = 1000;

/** The state of each network as the contract spells it. */
export function mapNetworks(reconciler: Reconciler): DataplaneNetworkStatus[] {
  return networkStandings(reconciler).map(({ id, name, error }) => ({
    networkId: id,
    network: name,
    state: { status: error === '' ? NetworkStatus.OK : NetworkStatus.FAILED, error },
  }));
}

/** The whole status as the contract spells it. */
export function mapStatus(reconciler: Reconciler, appliedRevision: bigint): GetStatusResponse {
  const failures = [...reconciler.failures.values()];
  return {
    networks: mapNetworks(reconciler),
    objects: KERNEL_OBJECT_KINDS.map((kind) => {
      const { desired, present } = reconciler.tracker.counts(kind);
      const failed = failures.filter(({ object }) => object.kind === kind).length;
      return { kind, desired: BigInt(desired), present: BigInt(present), failed: BigInt(failed) };
    }),
    failures: mapFailures(reconciler).slice(0, MAX_FAILURES),
    peers: BigInt(reconciler.peerCount),
    appliedRevision,
    configured: reconciler.host !== undefined,
    warnings: [...reconciler.warnings],
  };
}

function mapFailures(reconciler: Reconciler): KernelObjectFailure[] {
  const { host } = reconciler;
  const refused = [...reconciler.refusedPeers()].map(([nodeId, error]) => ({
    kind: 'peer',
    object: nodeId,
    error,
    networkId: '',
  }));
  const written = [...reconciler.failures.values()].map(({ object, error }) => ({
    kind: object.kind,
    object: spell(object),
    error,
    networkId: (host && networkOfObject(host, object)) ?? '',
  }));
  return [...refused, ...written];
}

/** An object as its tool spells it. */
export function spell(object: KernelObject): string {
  switch (object.kind) {
    case 'sysctl':
      return `${object.key.replaceAll('/', '.')}=${object.value}`;
    case 'nftables':
      return `table ${object.family} ${object.name}`;
    case 'admission':
      return `element inet ${ADMISSION_TABLE} ${ADMISSION_SET} { ${object.address} }`;
    case 'docker-accept':
      return `${object.family === 4 ? 'iptables' : 'ip6tables'}-${object.backend} -A ${DOCKER_CHAIN} ${object.rule}`;
    case 'offload':
      return `ethtool -K ${object.device} tx-checksum-ip-generic ${object.on ? 'on' : 'off'}`;
    default:
      return changeLines({ op: 'add', object })[0] ?? object.kind;
  }
}
