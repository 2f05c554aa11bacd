/** What a master gave to a node. */
export interface Grant {
  readonly node: string;
  readonly ip: string;
  /** VTEP addresses, MAC and blocks: everything that only one node may have, and keeps. */
  readonly values: readonly string[];
}

/**
 * One thing that a client did or learnt, in the order in which it did or learnt it. What was begun and not
 * acknowledged may or may not have happened, at any later time.
 */
export type HistoryEvent =
  | { readonly type: 'register-begun'; readonly node: string }
  | ({ readonly type: 'registered' } & Grant)
  | { readonly type: 'delete-begun'; readonly node: string }
  | { readonly type: 'deleted'; readonly node: string };

/** The cluster as somebody shows it afterwards: a master, or the log itself. */
export interface ClusterView {
  /** For messages: `m2`. */
  readonly name: string;
  readonly grants: readonly Grant[];
}

/**
 * Checks a history that is shorter than the quarantine against itself and against views of the cluster that were
 * taken after its last event: no value ever had two owners, a node kept what it got whenever it registered, no
 * acknowledged registration or deletion is lost, and nobody is there who never asked.
 *
 * @returns every contradiction in words; empty when there is none.
 */
export function checkHistory(
  events: readonly HistoryEvent[],
  views: readonly ClusterView[],
): readonly string[] {
  const grants = events.filter((event) => event.type === 'registered');
  return [
    ...checkValues('the acknowledged registrations', grants),
    ...views.flatMap(({ name, grants: shown }) => [
      ...checkValues(`the acknowledged registrations and ${name}`, [...grants, ...shown]),
      ...checkAddresses(name, shown),
      ...checkFates(events, name, shown),
    ]),
  ];
}

/**
 * One owner for each value, and a node keeps what it was given; it gets more with each new network. The values of deleted
 * nodes are in quarantine.
 */
function checkValues(where: string, grants: readonly Grant[]): readonly string[] {
  const problems = new Set<string>();
  const owners = new Map<string, string>();
  const held = new Map<string, readonly string[]>();
  for (const { node, values } of grants) {
    for (const value of values) {
      const owner = owners.get(value) ?? node;
      owners.set(value, owner);
      if (owner !== node) problems.add(`${where}: ${value} was given to ${owner} and to ${node}`);
    }
    const had = held.get(node)?.toSorted() ?? [];
    const has = values.toSorted();
    held.set(node, has);
    if (had.some((value) => !has.includes(value))) {
      problems.add(`${where}: ${node} was given ${had.join(' ')} and then ${has.join(' ')}`);
    }
  }
  return [...problems];
}

function checkAddresses(where: string, shown: readonly Grant[]): readonly string[] {
  const owners = new Map<string, string>();
  return shown.flatMap(({ node, ip }) => {
    const owner = owners.get(ip);
    owners.set(ip, node);
    return owner === undefined ? [] : [`${where}: the address ${ip} belongs to ${owner} and to ${node}`];
  });
}

/** What became of each node, as far as its clients know for sure. */
type Fate = { readonly is: 'there'; readonly ip: string } | { readonly is: 'gone' } | { readonly is: 'open' };

function checkFates(
  events: readonly HistoryEvent[],
  where: string,
  shown: readonly Grant[],
): readonly string[] {
  const fates = fatesOf(events);
  const present = new Map(shown.map((grant) => [grant.node, grant]));
  const strangers = shown.filter(({ node }) => !fates.has(node));
  const wrong = [...fates].flatMap(([node, fate]) => {
    const grant = present.get(node);
    if (fate.is === 'gone' && grant !== undefined) return [`${where}: ${node} was deleted and is there`];
    if (fate.is !== 'there') return [];
    if (grant === undefined) return [`${where}: ${node} was registered and is not there`];
    return grant.ip === fate.ip ? [] : [`${where}: ${node} registered ${fate.ip} and has ${grant.ip}`];
  });
  return [...strangers.map(({ node }) => `${where}: ${node} is there and never asked`), ...wrong];
}

/** The last word on each node: an acknowledgement holds unless something was begun after it. */
function fatesOf(events: readonly HistoryEvent[]): ReadonlyMap<string, Fate> {
  const fates = new Map<string, Fate>();
  for (const event of events) {
    if (event.type === 'registered') fates.set(event.node, { is: 'there', ip: event.ip });
    else if (event.type === 'deleted') fates.set(event.node, { is: 'gone' });
    else fates.set(event.node, { is: 'open' });
  }
  return fates;
}
