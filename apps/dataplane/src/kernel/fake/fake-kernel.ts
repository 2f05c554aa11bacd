import { type IpAddress, interfaceIp } from '@overlay/allocation';
import type { UnderlayLink } from '../../desired/mtu-fit.js';
import {
  type DockerChain,
  KERNEL_OBJECT_KINDS,
  type KernelObject,
  type KernelObjectKind,
  keyOf,
  type Link,
  type Sysctl,
} from '../kernel-object.js';
import type {
  ChangeFailure,
  ForeignRoute,
  KernelChange,
  KernelSnapshot,
  KernelTables,
  ReadScope,
} from '../kernel-tables.js';
import type { KernelEvent, KernelWatch } from '../kernel-watch.js';
import { ALIAS_PREFIX } from '../ownership.js';
import { dumpObject } from './dump-object.js';
import { EventQueue, eventOf } from './event-queue.js';
import { FakeCabling } from './fake-cabling.js';
import { goesWith, whatIsMissing } from './kernel-rules.js';

/**
 * A small kernel in memory, with the rules that the reconciler has to live with: no object without its device, no
 * route without its nexthop, no second object under one key; what stands on a device goes with it, and a nexthop
 * takes its routes along without a word.
 */
export class FakeKernel implements KernelTables, KernelWatch {
  readonly #objects = new Map<string, KernelObject>();
  readonly #foreignNexthops = new Set<number>();
  readonly #foreignRoutes: ForeignRoute[] = [];
  readonly #log: string[] = [];
  #refusal: ((object: KernelObject) => string | undefined) | undefined;
  #reads = 0;
  #objectsRead = 0;
  #kindsRead: ReadonlySet<KernelObjectKind> = new Set();
  readonly #watches = new Set<EventQueue>();
  #silent = false;
  #underlay: UnderlayLink | undefined = { device: 'eth0', mtuBytes: 9000 };
  #nexthops = true;
  #ipv6 = true;
  #dockerChains: readonly DockerChain[] = [];
  readonly #cabling = new FakeCabling();
  readonly name = 'kernel in memory';

  /** Every write that was done, oldest first, as `add 44.128.0.2/20 dev vtep1024`. */
  get log(): readonly string[] {
    return this.#log;
  }

  /** How often the tables were read. */
  get reads(): number {
    return this.#reads;
  }

  /** How many objects these readings gave. */
  get objectsRead(): number {
    return this.#objectsRead;
  }

  /** The kinds that the last reading was about. */
  get kindsRead(): ReadonlySet<KernelObjectKind> {
    return this.#kindsRead;
  }

  /** The device with the host's underlay address gets this MTU; undefined: no device has the address. */
  setUnderlay(underlay: UnderlayLink | undefined): void {
    this.#underlay = underlay;
    this.#broadcast({ type: 'link', device: underlay?.device ?? 'eth0', change: 'up' });
  }

  /** From now on it is a kernel without nexthop objects. */
  withoutNexthops(): void {
    this.#nexthops = false;
  }

  /** From now on it is a kernel that was booted with `ipv6.disable=1`. */
  withoutIpv6(): void {
    this.#ipv6 = false;
  }

  /** Docker makes its chains anew, where it does; what was in them is gone. */
  setDockerChains(chains: readonly DockerChain[]): void {
    this.#dockerChains = chains;
    for (const object of [...this.#objects.values()])
      if (object.kind === 'docker-accept') this.#objects.delete(keyOf(object));
    this.#broadcast({ type: 'docker' });
  }

  /** A runtime plugs a container's end of a pair into a bridge, or only makes it. */
  plug(device: string, bridge: string | undefined): void {
    this.#cabling.addVeth(device);
    if (bridge !== undefined) this.#put({ kind: 'port', device, bridge, hairpin: false });
  }

  /** The container's end of a pair goes. */
  unplug(device: string): void {
    this.#cabling.removeVeth(device);
    const port = this.#objects.get(`port ${device}`);
    if (port !== undefined) this.#remove(port);
  }

  /** Somebody gives a device of ours another name. */
  rename(name: string, renamedTo: string): void {
    const link = this.#objects.get(`link ${name}`);
    if (link?.kind !== 'link' || link.type === 'foreign') return;
    this.#objects.set(keyOf(link), { ...link, renamedTo });
    this.#broadcast({ type: 'link', device: renamedTo, change: 'up', mac: link.mac });
  }

  /** Another program takes a nexthop id. */
  holdNexthopId(id: number): void {
    this.#foreignNexthops.add(id);
  }

  /** Another program puts a route in front of ours. */
  addForeignRoute(route: ForeignRoute): void {
    this.#foreignRoutes.push(route);
  }

  /** Puts an object there, or takes it away, behind everybody's back. */
  meddle(op: 'add' | 'remove', object: KernelObject): void {
    if (op === 'add') this.#put(object);
    else this.#remove(object);
  }

  /** Whatever `change` does, nobody hears of it. */
  silently(change: () => void): void {
    this.#silent = true;
    change();
    this.#silent = false;
  }

  /** How many watches are open. */
  get watchers(): number {
    return this.#watches.size;
  }

  /** Ends every watch that is open. */
  endWatches(): void {
    for (const queue of this.#watches) queue.end();
  }

  async *watch(signal: AbortSignal): AsyncIterable<readonly KernelEvent[]> {
    const queue = new EventQueue();
    this.#watches.add(queue);
    const stop = () => {
      this.#watches.delete(queue);
      queue.end();
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    yield* queue.batches();
    stop();
  }

  /** Refuses writes of the objects for which `reason` gives an error; undefined refuses nothing. */
  refuse(reason: ((object: KernelObject) => string | undefined) | undefined): void {
    this.#refusal = reason;
  }

  /** Everything, one line an object, in the manner of iproute2, sorted. */
  dump(): string {
    const lines = [...this.#objects.values()].map(dumpObject);
    return lines.sort().join('\n');
  }

  read(scope: ReadScope): Promise<KernelSnapshot> {
    this.#reads += 1;
    const { kinds } = scope;
    const read = (kind: KernelObjectKind) => kinds === undefined || kinds.has(kind);
    this.#kindsRead = new Set(KERNEL_OBJECT_KINDS.filter(read));
    const objects = [...this.#objects.values()]
      .filter(
        (object) =>
          read(object.kind) &&
          isOurs(object, scope) &&
          isWithin(object, scope.only) &&
          !this.#standsOnForeign(object),
      )
      .flatMap((object) => underKnownName(object, scope));
    this.#objectsRead += objects.length;
    const underlay =
      read('link') && scope.underlay !== undefined && scope.only === undefined
        ? this.#underlayOf(scope.underlay)
        : undefined;
    return Promise.resolve({
      objects,
      foreignNexthopIds: new Set(this.#foreignNexthops),
      nexthopObjects: this.#nexthops,
      ipv6: this.#ipv6,
      dockerChains: read('docker-accept') ? this.#dockerChains : [],
      ...(read('route') ? { foreignRoutes: [...this.#foreignRoutes] } : {}),
      ...(read('port') ? { cabling: this.#cabling.view(this.#objects.values(), scope.only) } : {}),
      ...(underlay === undefined ? {} : { underlay }),
    });
  }

  apply(changes: readonly KernelChange[]): Promise<readonly ChangeFailure[]> {
    const failures = changes.flatMap((change): readonly ChangeFailure[] => {
      const error = this.#refusal?.(change.object) ?? this.#perform(change);
      if (error === undefined) this.#log.push(`${change.op} ${dumpObject(change.object)}`);
      return error === undefined ? [] : [{ change, error }];
    });
    return Promise.resolve(failures);
  }

  /** What stands on somebody else's device is never ours. */
  #standsOnForeign(object: KernelObject): boolean {
    if (object.kind === 'port' || !('device' in object)) return false;
    const link = this.#objects.get(`link ${object.device}`);
    return link?.kind === 'link' && link.type === 'foreign';
  }

  #underlayOf(address: IpAddress): UnderlayLink | undefined {
    const holders = [...this.#objects.values()].flatMap((object) =>
      object.kind === 'address' && interfaceIp(object.address) === address ? [object.device] : [],
    );
    const link = this.#objects.get(`link ${holders[0]}`);
    if (link?.kind !== 'link' || link.type === 'foreign') return this.#underlay;
    return { device: link.name, mtuBytes: link.mtuBytes };
  }

  #perform({ op, object }: KernelChange): string | undefined {
    const renamed = object.kind === 'link' ? this.#renamedTo(object.name) : undefined;
    if (op === 'remove' && renamed !== undefined) return this.#remove(renamed);
    const there = this.#objects.has(keyOf(object));
    if (object.kind === 'sysctl') return this.#setSysctl(op, object);
    if (op === 'remove') return there ? this.#remove(object) : 'RTNETLINK answers: No such process';
    if (op === 'add' && there) return 'RTNETLINK answers: File exists';
    if (op === 'replace' && !there) return 'RTNETLINK answers: No such file or directory';
    const error = whatIsMissing(object, {
      objects: this.#objects,
      foreignNexthops: this.#foreignNexthops,
      nexthopObjects: this.#nexthops,
      ipv6: this.#ipv6,
      dockerChains: this.#dockerChains,
      cabling: this.#cabling,
    });
    if (error !== undefined) return error;
    const before = this.#objects.get(keyOf(object));
    // A table is replaced as a whole, without the elements of its sets.
    if (before?.kind === 'nftables') this.#remove(before);
    this.#put(object);
    if (before !== undefined && macOf(before) !== macOf(object)) this.#forgetNeighbours(object);
    return undefined;
  }

  #renamedTo(name: string): Link | undefined {
    for (const object of this.#objects.values())
      if (object.kind === 'link' && object.type !== 'foreign' && object.renamedTo === name) return object;
    return undefined;
  }

  #setSysctl(op: KernelChange['op'], object: Sysctl): string | undefined {
    const device = /^net\/ipv[46]\/conf\/([^/]+)\//.exec(object.key)?.[1];
    const missing = device !== undefined && device !== 'all' && !this.#objects.has(`link ${device}`);
    if (missing || (!this.#ipv6 && object.key.startsWith('net/ipv6/')))
      return `ENOENT: no such file or directory, open '/proc/sys/${object.key}'`;
    // 1 is what the kernel gives to a device that comes.
    this.#put(op === 'remove' ? { ...object, value: '1' } : object);
    return undefined;
  }

  #put(object: KernelObject): void {
    this.#objects.set(keyOf(object), object);
    if (object.kind === 'link') this.#cabling.came(object.name);
    this.#tell(object, false);
  }

  /** A device that gets another MAC loses its neighbour entries, permanent ones too. */
  #forgetNeighbours(link: KernelObject): void {
    for (const other of [...this.#objects.values()])
      if (link.kind === 'link' && other.kind === 'neighbour' && other.device === link.name)
        this.#remove(other);
  }

  /** Routes go with their nexthop without a word. */
  #tell(object: KernelObject, gone: boolean): void {
    if (!this.#silent) this.#broadcast(eventOf(object, gone));
  }

  #broadcast(event: KernelEvent): void {
    for (const queue of this.#watches) queue.push(event);
  }

  #remove(object: KernelObject, silent = false): undefined {
    this.#objects.delete(keyOf(object));
    if (object.kind === 'link') this.#cabling.went(object.name);
    if (!silent) this.#tell(object, true);
    for (const other of [...this.#objects.values()])
      if (goesWith(other, object)) this.#remove(other, other.kind === 'route');
  }
}

/** A renamed device under the name that it shall have, if whoever asks says which one that is. */
function underKnownName(object: KernelObject, { vtep, aliases, only }: ReadScope): readonly KernelObject[] {
  if (object.kind !== 'link' || object.type === 'foreign' || object.renamedTo === undefined) return [object];
  const known = object.type === 'vxlan' ? vtep === object.name : aliases?.get(object.alias) === object.name;
  if (known) return only === undefined ? [object] : [];
  const { renamedTo, ...link } = object;
  return [{ ...link, name: renamedTo }];
}

function macOf(object: KernelObject): string | undefined {
  return object.kind === 'link' && object.type !== 'foreign' ? object.mac : undefined;
}

/** Of these devices only, if there is such a limit. */
function isWithin(object: KernelObject, only: ReadScope['only']): boolean {
  if (only === undefined) return true;
  if (object.kind === 'sysctl') return true;
  if (object.kind === 'link') return only.has(object.name);
  return 'device' in object && only.has(object.device);
}

function isOurs(object: KernelObject, scope: ReadScope): boolean {
  switch (object.kind) {
    case 'link':
      return (
        object.name === scope.vtep ||
        scope.devices.includes(object.name) ||
        (object.type !== 'foreign' && object.alias.startsWith(ALIAS_PREFIX))
      );
    case 'sysctl':
      return scope.sysctls.includes(object.key);
    case 'offload':
      return scope.offload === true;
    default:
      return true;
  }
}
