import { type Cidr, cidrsOverlap, parseCidr } from '@overlay/allocation';
import { type Network, NetworkPhase } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import type { NetworkRecord } from '@overlay/model';

/** A network that was created at runtime, as a master or the log shows it. */
export interface ShownNetwork {
  readonly id: string;
  readonly name: string;
  readonly subnets: readonly Cidr[];
  readonly isolated: boolean;
  readonly deleting: boolean;
}

/**
 * One thing that a client did to a network or learnt of it. Each name belongs to one client, so that the events of
 * a name stand in the order in which they happened. What was begun and not acknowledged may or may not have happened.
 */
export type NetworkEvent =
  /** A creation, change or deletion was asked for. */
  | { readonly type: 'network-begun'; readonly name: string }
  /** A creation or change was acknowledged. */
  | { readonly type: 'network-set'; readonly network: ShownNetwork }
  | { readonly type: 'network-deleted'; readonly name: string };

/** The networks that somebody shows afterwards. */
export interface NetworkView {
  readonly name: string;
  readonly networks: readonly ShownNetwork[];
}

/** A master's answer for the history. @throws OverlayError `internal` for an answer without a definition. */
export function shownNetwork({ id, spec, phase }: Network): ShownNetwork {
  if (spec === undefined) throw new OverlayError('internal', `network ${id} was shown without a definition`);
  const subnets = [spec.subnet, spec.subnet6].filter((text) => text !== '').map((text) => parseCidr(text));
  const { name, isolated } = spec;
  return { id, name, subnets, isolated, deleting: phase === NetworkPhase.DELETING };
}

/** A record of the log for the history. */
export function recordedNetwork({ id, definition, phase }: NetworkRecord): ShownNetwork {
  const { name, ipv4, ipv6, isolated } = definition;
  const subnets = [ipv4, ipv6].flatMap((plan) => (plan === undefined ? [] : [plan.subnet]));
  return { id, name, subnets, isolated, deleting: phase !== 'active' };
}

/**
 * Checks what clients did to networks against itself and against views that were taken after the last event: no two
 * networks that were there at one time overlap, no acknowledged creation, change or deletion is lost, a deleted
 * network never comes back, and nothing is there that nobody asked for.
 *
 * @returns every contradiction in words; empty when there is none.
 */
export function checkNetworks(
  events: readonly NetworkEvent[],
  views: readonly NetworkView[],
): readonly string[] {
  const { fates, problems } = replay(events);
  return [
    ...problems,
    ...views.flatMap(({ name, networks }) => [
      ...overlapsOf(name, networks),
      ...checkFates(name, fates, networks),
    ]),
  ];
}

/** What the clients know for sure of each name; `open` if something was begun last. */
type Fate =
  | { readonly is: 'there'; readonly network: ShownNetwork }
  | { readonly is: 'gone' }
  | { readonly is: 'open' };

function replay(events: readonly NetworkEvent[]) {
  const fates = new Map<string, Fate>();
  const last = new Map<string, ShownNetwork>();
  const deleted = new Set<string>();
  const problems: string[] = [];
  for (const event of events) {
    if (event.type === 'network-begun') {
      fates.set(event.name, { is: 'open' });
    } else if (event.type === 'network-deleted') {
      const network = last.get(event.name);
      if (network !== undefined) deleted.add(network.id);
      fates.set(event.name, { is: 'gone' });
    } else {
      const { network } = event;
      const there = [...fates.values()].flatMap((fate) => (fate.is === 'there' ? [fate.network] : []));
      problems.push(...overlapsOf('the acknowledged networks', [...there, network]));
      if (deleted.has(network.id)) problems.push(`${network.name} came back with the id ${network.id}`);
      last.set(network.name, network);
      fates.set(network.name, { is: 'there', network });
    }
  }
  return { fates, problems };
}

function overlapsOf(where: string, networks: readonly ShownNetwork[]): readonly string[] {
  return networks.flatMap((network, index) =>
    networks
      .slice(index + 1)
      .filter((other) => network.subnets.some((a) => other.subnets.some((b) => cidrsOverlap(a, b))))
      .map((other) => `${where}: ${described(network)} overlaps ${described(other)}`),
  );
}

function checkFates(
  where: string,
  fates: ReadonlyMap<string, Fate>,
  networks: readonly ShownNetwork[],
): readonly string[] {
  const shown = new Map(networks.map((network) => [network.name, network]));
  const strangers = networks.filter(({ name }) => !fates.has(name));
  const wrong = [...fates].flatMap(([name, fate]) => {
    const network = shown.get(name);
    if (fate.is === 'open') return [];
    if (fate.is === 'gone') {
      return network === undefined || network.deleting ? [] : [`${where}: ${name} was deleted and is there`];
    }
    if (network === undefined) return [`${where}: ${described(fate.network)} was created and is not there`];
    const [is, was] = [described(network), described(fate.network)];
    return is === was ? [] : [`${where}: ${is} was acknowledged as ${was}`];
  });
  return [...strangers.map(({ name }) => `${where}: network ${name} is there and nobody asked`), ...wrong];
}

function described({ id, name, subnets, isolated, deleting }: ShownNetwork): string {
  const marks = `${isolated ? ' isolated' : ''}${deleting ? ' deleting' : ''}`;
  return `${name} (${id} ${subnets.join(' ')}${marks})`;
}
