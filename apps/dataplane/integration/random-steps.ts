import {
  type ApplyHostRequest,
  type Network,
  NetworkOrigin,
  NetworkPhase,
  type Peer,
  type TopologyChange,
} from '@overlay/contracts';
import fc from 'fast-check';
import { hostRequest, peer } from './cluster-topology.js';

/** How a network stands after a step. */
const STANDINGS = ['absent', 'open', 'isolated', 'deleting', 'without a bridge'] as const;
type Standing = (typeof STANDINGS)[number];

/** One thing that happens to a cluster. */
export type Step =
  | { readonly does: 'put'; readonly peer: number; readonly underlay: number; readonly networks: number }
  | { readonly does: 'remove'; readonly peer: number }
  | { readonly does: 'swap'; readonly peer: number; readonly other: number }
  | { readonly does: 'network'; readonly network: number; readonly standing: Standing }
  | { readonly does: 'restart' };

const NETWORKS = 5;
/** The numbers leave room for nexthop ids between them. */
const number = fc.integer({ min: 1, max: 50 }).map((n) => n * 4);

/** A step of chance. */
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 70,
    arbitrary: fc.record({
      does: fc.constant('put' as const),
      peer: number,
      underlay: fc.integer({ min: 0, max: 2 }),
      networks: fc.integer({ min: 0, max: 2 ** NETWORKS - 1 }),
    }),
  },
  { weight: 25, arbitrary: fc.record({ does: fc.constant('remove' as const), peer: number }) },
  { weight: 5, arbitrary: fc.record({ does: fc.constant('swap' as const), peer: number, other: number }) },
  {
    weight: 7,
    arbitrary: fc.record({
      does: fc.constant('network' as const),
      network: fc.integer({ min: 0, max: NETWORKS - 1 }),
      standing: fc.constantFrom(...STANDINGS),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ does: 'restart' as const }) },
);

/** A cluster that steps happen to, seen from its host number 1. */
export class SteppedCluster {
  readonly #ip: string;
  readonly #peers = new Map<string, Peer>();
  readonly #standings = new Map<number, Standing>([[0, 'open']]);

  /** @param ip underlay address of host number 1. */
  constructor(ip: string) {
    this.#ip = ip;
  }

  /** Every peer, the host itself included. */
  get peers(): readonly Peer[] {
    return [peer(1, this.#ip), ...this.#peers.values()];
  }

  /** The description of host number 1. */
  get host(): ApplyHostRequest {
    const base = hostRequest(1, this.#ip);
    const [sample] = base.assignment?.networks ?? [];
    const known = [...this.#standings].filter(([, standing]) => standing !== 'absent').sort();
    const networks = known.flatMap(([index, standing]) => {
      const { spec } = networkOf(index, standing);
      const blocks = blocksOf(index, 1);
      const [half = '', half6 = ''] = [`9.${10 + index}.1.0/25`, `fd01:${10 + index}:0:0:1::/81`];
      const bridge = {
        name: `m-net${index}`,
        ip: spec?.subnet === '' ? '' : half,
        ip6: spec?.subnet6 === '' ? '' : half6,
      };
      return sample === undefined
        ? []
        : [
            {
              ...sample,
              networkId: `net-${index}`,
              network: spec,
              subnet: blocks.find((block) => !block.includes(':')) ?? '',
              subnet6: blocks.find((block) => block.includes(':')) ?? '',
              routedPrefixes: [...blocks],
              cniBridge: standing === 'without a bridge' ? undefined : bridge,
              dockerBridge: undefined,
            },
          ];
    });
    return {
      ...base,
      assignment: base.assignment && { ...base.assignment, networks },
      networks: known.map(([index, standing]) => networkOf(index, standing)),
    };
  }

  /** Takes a step. @returns what the topology tells of it. */
  take(step: Step): readonly TopologyChange[] {
    switch (step.does) {
      case 'put': {
        const base = peer(step.peer, underlayOf(step.peer, step.underlay));
        const networks = Array.from({ length: NETWORKS }, (_, index) => index);
        const prefixes = networks
          .filter((index) => (step.networks >> index) & 1)
          .flatMap((index) =>
            blocksOf(index, step.peer).map((prefix) => ({ networkId: `net-${index}`, prefix })),
          );
        return this.#put({ ...base, prefixes });
      }
      case 'remove': {
        const nodeId = `node-${step.peer}`;
        this.#peers.delete(nodeId);
        return [{ change: { $case: 'removedNodeId', value: nodeId } }];
      }
      case 'swap': {
        const [one, other] = [step.peer, step.other].map((n) => this.#peers.get(`node-${n}`));
        if (one === undefined || other === undefined || one === other) return [];
        return [...this.#put({ ...one, ip: other.ip }), ...this.#put({ ...other, ip: one.ip })];
      }
      case 'network':
        this.#standings.set(step.network, step.standing);
        return [];
      case 'restart':
        return [];
    }
  }

  #put(value: Peer): readonly TopologyChange[] {
    this.#peers.set(value.nodeId, value);
    return [{ change: { $case: 'peer', value } }];
  }
}

/** A peer may move between three underlay addresses of its own. */
function underlayOf(n: number, underlay: number): string {
  return `100.64.${underlay}.${n}`;
}

/** Networks 3 and 4 have one family only. */
function networkOf(index: number, standing: Standing): Network {
  return {
    id: `net-${index}`,
    spec: {
      name: `net${index}`,
      subnet: index === 3 ? '' : `9.${10 + index}.0.0/16`,
      prefix: index === 3 ? 0 : 24,
      subnet6: index === 4 ? '' : `fd01:${10 + index}::/64`,
      prefix6: index === 4 ? 0 : 80,
      disabled: false,
      isolated: standing === 'isolated',
    },
    origin: NetworkOrigin.CONFIGURATION,
    phase: standing === 'deleting' ? NetworkPhase.DELETING : NetworkPhase.ACTIVE,
  };
}

function blocksOf(index: number, n: number): readonly string[] {
  const ipv4 = index === 3 ? [] : [`9.${10 + index}.${n}.0/24`];
  return index === 4 ? ipv4 : [...ipv4, `fd01:${10 + index}:0:0:${n}::/80`];
}
