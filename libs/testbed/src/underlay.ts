import { runIpBatch } from './ip-batch.js';
import { NetworkNamespace } from './network-namespace.js';
import type { Surroundings } from './surroundings.js';
import { namespaceName, rootLinkName } from './testbed-name.js';
import { type AddressPair, OUTSIDE, UNDERLAY_LENGTH, type UnderlayPlan } from './underlay-plan.js';

const BRIDGE = 'underlay';
const OUTSIDE_PORT = 'outside';
const ROOT_PORT = 'root';

/** The network between the hosts: a switch in a namespace of its own, with a port for each node. */
export class Underlay {
  readonly plan: UnderlayPlan;
  /** The namespace of the switch. */
  readonly switch: NetworkNamespace;
  /** The switch's bridge, which every frame between hosts crosses once. */
  readonly bridge = BRIDGE;
  readonly outside: NetworkNamespace;
  readonly #around: Surroundings;

  constructor(around: Surroundings, plan: UnderlayPlan) {
    this.#around = around;
    this.plan = plan;
    this.switch = new NetworkNamespace(around, 'switch');
    this.outside = new NetworkNamespace(around, 'outside');
  }

  /** Makes the switch, the outside and the root namespace's link. */
  async build(): Promise<void> {
    const root = rootLinkName(this.#around.testbed);
    await runIpBatch([
      `netns add ${this.switch.namespace}`,
      `netns add ${this.outside.namespace}`,
      `link add name ${OUTSIDE_PORT} netns ${this.switch.namespace} type veth peer name eth0 netns ${this.outside.namespace}`,
      `link add name ${ROOT_PORT} netns ${this.switch.namespace} type veth peer name ${root}`,
    ]);
    await Promise.all([
      this.switch.ip(
        'link set lo up',
        `link add ${BRIDGE} type bridge mcast_snooping 0`,
        `link set ${BRIDGE} addrgenmode none`,
        `link set ${BRIDGE} up`,
        ...planPort(OUTSIDE_PORT),
        ...planPort(ROOT_PORT),
      ),
      this.outside.ip(
        'link set lo up',
        `addr add ${OUTSIDE.ipv4}/32 dev lo`,
        `addr add ${OUTSIDE.ipv6}/128 dev lo nodad`,
        'link set eth0 up',
        ...planUnderlayAddresses(this.plan.router, 'eth0'),
        // an answer to a datagram comes from the address that was asked
        `route replace ${this.plan.subnets.ipv4} dev eth0 src ${OUTSIDE.ipv4}`,
        `route add ${this.plan.subnets.ipv6} dev eth0 src ${OUTSIDE.ipv6} metric 100`,
      ),
      runIpBatch([
        `link set ${root} addrgenmode none`,
        ...planUnderlayAddresses(this.plan.master, root),
        `link set ${root} up`,
      ]),
    ]);
  }

  /** Makes the namespaces of new hosts, each with an `eth0` on the switch and a default route to the outside. */
  async plugIn(hosts: readonly { readonly label: string; readonly address: AddressPair }[]): Promise<void> {
    const inside = (label: string): string => namespaceName(this.#around.testbed, label);
    await runIpBatch(
      hosts.flatMap(({ label }) => [
        `netns add ${inside(label)}`,
        `link add name ${label} netns ${this.switch.namespace} type veth peer name eth0 netns ${inside(label)}`,
      ]),
    );
    await Promise.all([
      this.switch.ip(...hosts.flatMap(({ label }) => planPort(label))),
      ...hosts.map(({ label, address }) =>
        runIpBatch(
          [
            'link set lo up',
            'link set eth0 up',
            ...planUnderlayAddresses(address, 'eth0'),
            ...planDefaultRoutes(this.plan.router),
          ],
          inside(label),
        ),
      ),
    ]);
  }

  /** Takes a host's cable away, both ends; its namespace is still there. */
  pullOut(label: string): Promise<void> {
    return this.switch.ip(`link del dev ${label}`);
  }

  /** Sets the switch's end of a cable up or down. @param label of a host; the master's cable when absent. */
  setCarrier(label: string | undefined, state: 'up' | 'down'): Promise<void> {
    return this.switch.ip(`link set dev ${label ?? ROOT_PORT} ${state}`);
  }
}

/** Commands that put underlay addresses on a device. */
export function planUnderlayAddresses(address: AddressPair, device: string): readonly string[] {
  return [
    `addr add ${address.ipv4}/${UNDERLAY_LENGTH.ipv4} dev ${device}`,
    `addr add ${address.ipv6}/${UNDERLAY_LENGTH.ipv6} dev ${device} nodad`,
  ];
}

/** Commands that lead a host's default routes to the outside. */
export function planDefaultRoutes(router: AddressPair): readonly string[] {
  return [
    `route replace default via ${router.ipv4} dev eth0`,
    `route replace default via ${router.ipv6} dev eth0`,
  ];
}

/** The switch's end of a cable: a bridge port without addresses of its own. */
function planPort(name: string): readonly string[] {
  return [
    `link set dev ${name} addrgenmode none`,
    `link set dev ${name} master ${BRIDGE}`,
    `link set dev ${name} up`,
  ];
}
