import {
  type DataplaneNetworkStatus,
  type GetStatusResponse,
  KernelObjectFailure,
  NetworkStatus,
} from '@overlay/contracts';
import { changeLines } from '../kernel/iproute/change-lines.js';
import { KERNEL_OBJECT_KINDS, type KernelObject } from '../kernel/kernel-object.js';
import { ADMISSION_SET, ADMISSION_TABLE, DOCKER_CHAIN } from '../kernel/ownership.js';
import { networkOfObject } from '../reconcile/network-of-object.js';
import { networkStandings } from '../reconcile/network-standing.js';
import type { Reconciler } from '../reconcile/reconciler.js';

const MAX_FAILURES = 1000;
/** An answer stays under 1 MiB; networks, counts and warnings take the rest. */
const MAX_FAILURES_BYTES = 768 * 1024;
/** What a text has of the tool's words: nft echoes whole lines that it was given, however long. */
const MAX_TEXT = 300;

/** The state of each network as the contract spells it. */
export function mapNetworks(reconciler: Reconciler): DataplaneNetworkStatus[] {
  return networkStandings(reconciler).map(({ id, name, error }) => ({
    networkId: id,
    network: name,
    state: { status: error === '' ? NetworkStatus.OK : NetworkStatus.FAILED, error: beginning(error) },
  }));
}

/** The whole status as the contract spells it: failures as many as fit, each with the beginning of its texts. */
export function mapStatus(reconciler: Reconciler, appliedRevision: bigint): GetStatusResponse {
  const failures = [...reconciler.failures.values()];
  return {
    networks: mapNetworks(reconciler),
    objects: KERNEL_OBJECT_KINDS.map((kind) => {
      const { desired, present } = reconciler.tracker.counts(kind);
      const failed = failures.filter(({ object }) => object.kind === kind).length;
      return { kind, desired: BigInt(desired), present: BigInt(present), failed: BigInt(failed) };
    }),
    failures: mapFailures(reconciler),
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
    error: beginning(error),
    networkId: '',
  }));
  const written = [...reconciler.failures.values()].map(({ object, error }) => ({
    kind: object.kind,
    object: beginning(spell(object)),
    error: beginning(error),
    networkId: (host && networkOfObject(host, object)) ?? '',
  }));
  return fitting([...refused, ...written].slice(0, MAX_FAILURES));
}

/** The first ones, as many as there is room for. */
function fitting(failures: KernelObjectFailure[]): KernelObjectFailure[] {
  let bytes = 0;
  const end = failures.findIndex((failure) => {
    bytes += KernelObjectFailure.encode(failure).finish().length;
    return bytes > MAX_FAILURES_BYTES;
  });
  return end < 0 ? failures : failures.slice(0, end);
}

function beginning(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}…`;
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
