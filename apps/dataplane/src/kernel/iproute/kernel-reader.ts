import { OverlayError } from '@overlay/failure';
import type { Admission, KernelObject, KernelObjectKind, NftTable } from '../kernel-object.js';
import type { CallOptions, KernelSnapshot, ReadScope, SilentHelper } from '../kernel-tables.js';
import { ADMISSION_SET, ADMISSION_TABLE, NFT_TABLE } from '../ownership.js';
import type { CommandResult, CommandRunner } from './command-runner.js';
import { type ConnectedRouteJson, markCutOff } from './connected-routes.js';
import { parseForeignRoutes } from './foreign-routes.js';
import { helperRunner, silentHelper } from './helper-runner.js';
import { readDockerRules } from './iptables-reader.js';
import { onOwedNames, withOwedNames } from './owed-names.js';
import { type NftSetJson, parseAdmissions } from './read-admissions.js';
import { findUnderlay, type LinkJson, parseCabling, parseLinks, portsOf } from './read-links.js';
import {
  type FdbJson,
  type NeighbourJson,
  type NexthopJson,
  parseFdb,
  parseNeighbours,
  parseNexthops,
  parseRoutes,
  parseRules,
  type RouteJson,
  type RuleJson,
} from './read-routing.js';
import type { SysctlFiles } from './sysctl-files.js';
import { readDriver, readOffload } from './vxlan-offload.js';

/** Those that the kernel makes with addresses. */
const CONNECTED_ROUTES = ['route', 'show', 'table', 'main', 'protocol', 'kernel'];
const PLAIN_NAME = /^\w[\w.-]*$/;
/** What a kernel before 5.3, or its tool, says to `ip nexthop`. */
const NO_NEXTHOPS = /Operation not supported|Object "nexthop" is unknown/;
/** What a kernel with `ipv6.disable=1` says: it does not know the family. */
const NO_IPV6 = /Address family not supported by protocol/;

/** They take milliseconds. */
const HELPER_PATIENCE_MS = 3_000;

/** Reads every table that we have objects in: one process a table, none for each object. */
export class KernelReader {
  readonly #runner: CommandRunner;
  readonly #helpers: CommandRunner;
  readonly #sysctls: SysctlFiles;
  /** Number of the tunnel as it was seen last; the kernel gives no other device the same. */
  #tunnel: number | undefined;

  constructor(runner: CommandRunner, sysctls: SysctlFiles) {
    this.#runner = runner;
    this.#helpers = helperRunner(runner, HELPER_PATIENCE_MS);
    this.#sysctls = sysctls;
  }

  async read(scope: ReadScope, options: CallOptions): Promise<KernelSnapshot> {
    const wanted = (...kinds: KernelObjectKind[]) =>
      scope.kinds === undefined || kinds.some((kind) => scope.kinds?.has(kind));
    const list = async <T>(needed: boolean, command: string, args: readonly string[]) =>
      needed ? this.#json<T>(command, args, options) : [];
    const device = scope.vtep;
    const silent: SilentHelper[] = [];
    const unlessSilent = <T>(kind: SilentHelper['kind'], answer: Promise<T>): Promise<T | undefined> =>
      answer.catch((thrown: unknown) => {
        silent.push(silentHelper(kind, thrown));
        return undefined;
      });
    const aboutDevices = wanted('link', 'address', 'neighbour', 'fdb', 'port', 'offload');
    const devices = aboutDevices
      ? withOwedNames(await this.#devices(scope.only, options), scope, this.#tunnel)
      : [];
    const seen = devices.find(({ ifname, linkinfo }) => ifname === device && linkinfo?.info_kind === 'vxlan');
    this.#tunnel = seen?.ifindex ?? this.#tunnel;
    const list6 = async <T>(needed: boolean, args: readonly string[]) =>
      needed ? this.#jsonUnless<T>(NO_IPV6, ['-N', '-6', ...args], options) : [];
    const list4 = <T>(needed: boolean, args: readonly string[]) =>
      list<T>(needed, 'ip', ['-N', '-4', ...args]);
    const routed = wanted('address') && scope.only === undefined;
    const connected = [
      ...(await list4<ConnectedRouteJson>(routed, CONNECTED_ROUTES)),
      ...((await list6<ConnectedRouteJson>(routed, CONNECTED_ROUTES)) ?? []),
    ];
    const parsed = parseLinks(devices, scope);
    const links = routed ? markCutOff(parsed, onOwedNames(connected, devices)) : parsed;
    const link = scope.only === undefined && scope.underlay && findUnderlay(devices, scope.underlay);
    // The driver is only of interest for checksum offload.
    const driver =
      link && scope.offload
        ? await unlessSilent('link', readDriver(this.#helpers, link.device, options))
        : undefined;
    const underlay = link ? { ...link, ...(driver === undefined ? {} : { driver }) } : undefined;
    // What stands on somebody else's device of that name is not ours.
    const there = links.some(
      (link) => link.kind === 'link' && link.name === device && link.type !== 'foreign',
    );
    const tunnel = seen?.renamedTo ?? device;
    const neighbours = ['neigh', 'show', 'nud', 'permanent', 'dev', tunnel];
    const nexthopList = wanted('nexthop')
      ? await this.#jsonUnless<NexthopJson>(NO_NEXTHOPS, ['-N', 'nexthop', 'show'], options)
      : [];
    const nexthops = parseNexthops(onOwedNames(nexthopList ?? [], devices), device);
    const docker = wanted('docker-accept')
      ? await readDockerRules(this.#helpers, options)
      : { chains: [], accepts: [], silent: [] };
    silent.push(...docker.silent);
    const cabling = wanted('port') ? parseCabling(devices) : undefined;
    const bridges = new Set(
      links.flatMap((link) => (link.kind === 'link' && link.type === 'bridge' ? [link.name] : [])),
    );
    const offload =
      there && scope.offload && wanted('offload')
        ? await unlessSilent('offload', readOffload(this.#helpers, tunnel, options))
        : undefined;
    // Those of other programs too, for they may lie in front of ours.
    const routes = ['route', 'show', 'table', 'all'];
    const tables = wanted('nftables', 'admission') ? await this.#ourNftTables(options) : [];
    const [route, rule] = [wanted('route'), wanted('rule')];
    const routes4 = await list4<RouteJson>(route, routes);
    const routes6 = await list6<RouteJson>(route, routes);
    const rules6 = await list6<RuleJson>(rule, ['rule', 'show']);
    return {
      objects: [
        ...links.filter(({ kind }) => wanted(kind)),
        ...parseNeighbours(await list<NeighbourJson>(there && wanted('neighbour'), 'ip', neighbours), device),
        ...parseFdb(
          await list<FdbJson>(there && wanted('fdb'), 'bridge', ['fdb', 'show', 'dev', tunnel]),
          device,
        ),
        ...nexthops.ours,
        ...parseRoutes(routes4),
        ...parseRoutes(routes6 ?? []),
        ...parseRules(await list4<RuleJson>(rule, ['rule', 'show'])),
        ...parseRules(rules6 ?? []),
        ...(wanted('nftables') ? await this.#nftTables(tables, options) : []),
        ...(wanted('admission') ? await this.#admissions(tables, options) : []),
        ...(cabling === undefined ? [] : portsOf(cabling, bridges)),
        ...(offload === undefined ? [] : [{ ...offload, device }]),
        ...docker.accepts,
        ...(wanted('sysctl') ? await this.#sysctlValues(scope.sysctls) : []),
      ],
      foreignNexthopIds: nexthops.foreign,
      nexthopObjects: nexthopList !== undefined,
      ipv6: rules6 !== undefined,
      dockerChains: docker.chains,
      ...(route ? { foreignRoutes: [routes4, routes6 ?? []].flatMap(parseForeignRoutes) } : {}),
      ...(silent.length === 0 ? {} : { silent }),
      ...(cabling === undefined ? {} : { cabling }),
      ...(underlay === undefined ? {} : { underlay }),
    };
  }

  /** One line for each device that is asked for; what is not there says so on the standard error, which is no failure. */
  async #devices(only: ReadScope['only'], options: CallOptions): Promise<readonly LinkJson[]> {
    // Whoever makes a device chooses its name: one that `ip` could misread is not put into a batch.
    if (only === undefined || ![...only].every((device) => PLAIN_NAME.test(device)))
      return this.#json<LinkJson>('ip', ['-details', 'address', 'show'], options);
    const lines = [...only].map((device) => `address show dev ${device}\n`).join('');
    const args = ['-json', '-details', '-force', '-batch', '-'];
    const { stdout } = await this.#runner.run('ip', args, lines, options.timeoutMs);
    const arrays = stdout.split('\n').filter((line) => line.trim() !== '');
    return arrays.flatMap((line) => JSON.parse(line) as LinkJson[]);
  }

  /** A list of `ip`; undefined if it fails in words that say that the kernel, or the tool, has no such thing. */
  async #jsonUnless<T>(
    none: RegExp,
    args: readonly string[],
    options: CallOptions,
  ): Promise<readonly T[] | undefined> {
    const json = ['-json', ...args];
    const result = await this.#runner.run('ip', json, '', options.timeoutMs);
    if (result.exitCode !== 0 && none.test(result.stderr)) return undefined;
    return parseList<T>(outputOrThrow('ip', json, result));
  }

  async #json<T>(command: string, args: readonly string[], options: CallOptions): Promise<readonly T[]> {
    return parseList<T>(await this.#text(command, ['-json', ...args], options));
  }

  async #text(command: string, args: readonly string[], { timeoutMs }: CallOptions): Promise<string> {
    return outputOrThrow(command, args, await this.#runner.run(command, args, '', timeoutMs));
  }

  /** The admission table without its elements, which may be many: they are objects of their own. */
  async #nftTables(present: readonly string[], options: CallOptions): Promise<readonly NftTable[]> {
    return Promise.all(
      present.map(async (name) => {
        const terse = name === ADMISSION_TABLE ? ['-t'] : [];
        const content = await this.#text('nft', [...terse, '-s', 'list', 'table', 'inet', name], options);
        return { kind: 'nftables', family: 'inet', name, content } as const;
      }),
    );
  }

  async #ourNftTables(options: CallOptions): Promise<readonly string[]> {
    const tables = (await this.#text('nft', ['list', 'tables', 'inet'], options)).split('\n');
    return [NFT_TABLE, ADMISSION_TABLE].filter((name) => tables.includes(`table inet ${name}`));
  }

  async #admissions(present: readonly string[], options: CallOptions): Promise<readonly Admission[]> {
    if (!present.includes(ADMISSION_TABLE)) return [];
    const set = ['list', 'set', 'inet', ADMISSION_TABLE, ADMISSION_SET];
    const { exitCode, stdout } = await this.#runner.run('nft', ['-j', ...set], '', options.timeoutMs);
    // The table may have lost its set; it is about to be replaced then.
    return exitCode === 0 ? parseAdmissions(JSON.parse(stdout) as NftSetJson) : [];
  }

  async #sysctlValues(keys: readonly string[]): Promise<readonly KernelObject[]> {
    const values = await Promise.all(
      keys.map(async (key) => ({ kind: 'sysctl' as const, key, value: await this.#sysctls.read(key) })),
    );
    return values.flatMap(({ value, ...rest }) => (value === undefined ? [] : [{ ...rest, value }]));
  }
}

function outputOrThrow(command: string, args: readonly string[], result: CommandResult): string {
  if (result.exitCode === 0) return result.stdout;
  const message = `${command} ${args.join(' ')} failed: ${result.stderr.trim()}`;
  throw new OverlayError('unavailable', message);
}

/** Some lists print nothing when they are empty. */
function parseList<T>(text: string): readonly T[] {
  return text.trim() === '' ? [] : (JSON.parse(text) as T[]);
}
