import { describe, expect, it } from '@jest/globals';
import { parseCidr, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { ADMISSION, BRIDGE, EVERYTHING, fdb, inline, route, unreachable, VTEP } from './contract-objects.js';
import {
  type DockerAccept,
  type DockerChain,
  KERNEL_OBJECT_KINDS,
  type KernelObject,
  keyOf,
  type VxlanLink,
} from './kernel-object.js';
import type { ForeignRoute, KernelChange, KernelTables } from './kernel-tables.js';

/** A namespace of its own for one test. */
export interface TablesUnderTest {
  readonly tables: KernelTables;
  /** A container runtime makes a pair and leaves the host's end without a bridge. */
  makeVeth(device: string): Promise<void>;
  /** Somebody gives a device another name. */
  rename(device: string, name: string): Promise<void>;
  /** Another program puts a route in front of ours. */
  addForeignRoute(route: ForeignRoute): Promise<void>;
  /** Docker makes its chains. */
  makeDockerChains(chains: readonly DockerChain[]): Promise<void>;
  close(): Promise<void>;
}

const OPTIONS = { timeoutMs: 10_000 };
const SCOPE = { vtep: 'vtep1024', devices: ['vtep1024', 'm-dcos'], sysctls: ['net/ipv4/ip_forward'] };

/** What every implementation of {@link KernelTables} does. */
export function describeKernelTables(name: string, open: () => Promise<TablesUnderTest>): void {
  const within = async (test: (tables: KernelTables, world: TablesUnderTest) => Promise<void>) => {
    const opened = await open();
    try {
      await test(opened.tables, opened);
    } finally {
      await opened.close();
    }
  };
  const fill = (tables: KernelTables) => tables.apply(EVERYTHING.map(add), OPTIONS);
  const read = async (tables: KernelTables) => (await tables.read(SCOPE, OPTIONS)).objects;

  describe(`${name} as kernel tables`, () => {
    it('reads back every kind as it was written', () =>
      within(async (tables) => {
        expect(await fill(tables)).toEqual([]);
        expect(sorted(await read(tables))).toEqual(sorted(EVERYTHING));
      }));

    it('removes every kind', () =>
      within(async (tables) => {
        await fill(tables);
        const removable = EVERYTHING.filter(({ kind }) => kind !== 'sysctl').reverse();
        expect(await tables.apply(removable.map(remove), OPTIONS)).toEqual([]);
        expect((await read(tables)).filter(({ kind }) => kind !== 'sysctl')).toEqual([]);
      }));

    it('changes what can be changed in place, and everything else stays', () =>
      within(async (tables) => {
        await fill(tables);
        const changes: readonly KernelChange[] = [
          {
            op: 'replace',
            previous: VTEP,
            object: { ...VTEP, local: parseIpAddress('10.0.0.9'), mtuBytes: 1400 },
          },
          { op: 'replace', previous: BRIDGE, object: { ...BRIDGE, alias: 'overlay:net-2', mtuBytes: 1300 } },
          { op: 'replace', previous: fdb('10.0.0.2'), object: fdb('10.0.0.7') },
        ];
        expect(await tables.apply(changes, OPTIONS)).toEqual([]);
        const changed = new Set<KernelObject>(
          changes.flatMap((change) => (change.op === 'replace' ? [change.previous] : [])),
        );
        const kept = EVERYTHING.filter(
          (object) => ![VTEP, BRIDGE].includes(object as VxlanLink) && object.kind !== 'fdb',
        );
        expect(changed.size).toBe(3);
        expect(sorted(await read(tables))).toEqual(sorted([...kept, ...changes.map(({ object }) => object)]));
      }));

    it('forgets the neighbours of a device that gets another MAC, and nothing else', () =>
      within(async (tables) => {
        await fill(tables);
        const changed = { ...VTEP, mac: parseMacAddress('70:b3:d5:80:00:77') };
        expect(await tables.apply([{ op: 'replace', previous: VTEP, object: changed }], OPTIONS)).toEqual([]);
        const kept = EVERYTHING.filter((object) => object !== VTEP && object.kind !== 'neighbour');
        expect(sorted(await read(tables))).toEqual(sorted([...kept, changed]));
      }));

    it('reads only the kinds that are asked for', () =>
      within(async (tables) => {
        await fill(tables);
        for (const kind of KERNEL_OBJECT_KINDS) {
          const { objects } = await tables.read({ ...SCOPE, kinds: new Set([kind]) }, OPTIONS);
          expect(sorted(objects)).toEqual(sorted(EVERYTHING.filter((object) => object.kind === kind)));
        }
      }));

    it('finds the device that has an address, when links are read', () =>
      within(async (tables) => {
        await fill(tables);
        const underlay = parseIpAddress('9.0.1.1');
        const found = { device: 'm-dcos', mtuBytes: 1420 };
        expect((await tables.read({ ...SCOPE, underlay }, OPTIONS)).underlay).toEqual(found);
        const kinds = new Set(['rule'] as const);
        expect((await tables.read({ ...SCOPE, underlay, kinds }, OPTIONS)).underlay).toBeUndefined();
        const nobody = { ...SCOPE, underlay: parseIpAddress('9.0.1.9') };
        expect((await tables.read(nobody, OPTIONS)).underlay).toBeUndefined();
      }));

    it('names the change that failed and does those around it', () =>
      within(async (tables) => {
        await fill(tables);
        const bad = add(route(254, '9.0.4.0/26', 99));
        const changes = [
          add(route(254, '9.0.3.0/26', 0x4f800003)),
          bad,
          add(route(254, '9.0.5.0/26', 0x4f800003)),
        ];
        const failures = await tables.apply(changes, OPTIONS);
        expect(failures.map(({ change }) => change)).toEqual([bad]);
        expect(failures[0]?.error).toContain('Nexthop id does not exist');
        const prefixes = (await read(tables)).flatMap((object) =>
          object.kind === 'route' ? [object.prefix] : [],
        );
        expect(prefixes).toEqual(expect.arrayContaining(['9.0.3.0/26', '9.0.5.0/26']));
        expect(prefixes).not.toContain('9.0.4.0/26');
      }));

    it('refuses to add what is there, and to remove what is not', () =>
      within(async (tables) => {
        await fill(tables);
        const again = add(unreachable('9.0.0.0/8'));
        const gone = remove(unreachable('9.128.0.0/9'));
        const failures = await tables.apply([again, gone], OPTIONS);
        expect(failures.map(({ change }) => change)).toEqual([again, gone]);
      }));

    it('takes the elements along with their table, also when it is replaced', () =>
      within(async (tables) => {
        await fill(tables);
        const content = ADMISSION.content.replace('}', '}\nset more {\ntype ipv4_addr\n}');
        const object = { ...ADMISSION, content };
        expect(await tables.apply([{ op: 'replace', previous: ADMISSION, object }], OPTIONS)).toEqual([]);
        expect((await read(tables)).filter(({ kind }) => kind === 'admission')).toEqual([]);
      }));

    it('names the element that failed and does those around it', () =>
      within(async (tables) => {
        await fill(tables);
        const changes = ['10.0.0.2', '10.0.0.9', '10.0.0.3'].map((address) =>
          remove({ kind: 'admission', address: parseIpAddress(address) }),
        );
        const failures = await tables.apply(changes, OPTIONS);
        expect(failures.map(({ change }) => change)).toEqual([changes[1]]);
        expect((await read(tables)).filter(({ kind }) => kind === 'admission')).toEqual([]);
      }));

    it('leads a route through a gateway, and from there to a nexthop and back', () =>
      within(async (tables) => {
        await fill(tables);
        for (const [prefix, gateway, id] of [
          ['9.0.2.0/26', '44.128.0.3', 0x4f800003],
          ['fd01:b:0:0:2::/80', 'fd01:a::3', 0x6f800003],
        ] as const) {
          const through = route(254, prefix, id);
          const direct = inline(254, prefix, gateway);
          expect(await tables.apply([{ op: 'replace', object: direct, previous: through }], OPTIONS)).toEqual(
            [],
          );
          const there = async () => (await read(tables)).filter((each) => keyOf(each) === keyOf(direct));
          expect(await there()).toEqual([direct]);
          expect(await tables.apply([{ op: 'replace', object: through, previous: direct }], OPTIONS)).toEqual(
            [],
          );
          expect(await there()).toEqual([through]);
        }
      }));

    it('reads and writes checksum offload of the tunnel, if it is asked for', () =>
      within(async (tables) => {
        await fill(tables);
        for (const on of [false, true]) {
          const object = { kind: 'offload', device: 'vtep1024', on } as const;
          const previous = { ...object, on: !on };
          expect(await tables.apply([{ op: on ? 'replace' : 'add', object, previous }], OPTIONS)).toEqual([]);
          const { objects } = await tables.read({ ...SCOPE, offload: true }, OPTIONS);
          expect(objects.filter(({ kind }) => kind === 'offload')).toEqual([object]);
        }
        expect((await read(tables)).filter(({ kind }) => kind === 'offload')).toEqual([]);
      }));

    it('plugs a port in, and knows a bridge that is made anew from the one before', () =>
      within(async (tables, world) => {
        await fill(tables);
        await world.makeVeth('vethc1');
        const port = { kind: 'port', device: 'vethc1', bridge: 'm-dcos', hairpin: false } as const;
        const look = async () => {
          const { objects, cabling } = await tables.read({ ...SCOPE, kinds: new Set(['port']) }, OPTIONS);
          const veth = cabling?.veths.find(({ device }) => device === port.device);
          return { ports: objects, bridge: cabling?.bridges.get('m-dcos'), veth };
        };
        const bare = await look();
        expect(bare.ports).toEqual([]);
        expect(bare.veth).toMatchObject({ index: expect.any(Number) });
        expect(bare.veth?.bridgeIndex).toBeUndefined();
        expect(await tables.apply([add(port)], OPTIONS)).toEqual([]);
        expect(await look()).toMatchObject({ ports: [port], veth: { bridgeIndex: bare.bridge } });
        expect(await tables.apply([remove(BRIDGE), add(BRIDGE)], OPTIONS)).toEqual([]);
        const anew = await look();
        expect(anew).toMatchObject({ ports: [], veth: bare.veth });
        expect(anew.bridge).not.toBe(bare.bridge);
      }));

    it('tells of the routes of other programs, and changes none of them with ours', () =>
      within(async (tables, world) => {
        await fill(tables);
        const foreign: readonly ForeignRoute[] = [
          {
            table: 254,
            prefix: parseCidr('9.0.2.0/26'),
            metric: 0,
            behindOurs: false,
            text: 'blackhole 9.0.2.0/26',
          },
          {
            table: 42,
            prefix: parseCidr('10.0.0.2/32'),
            metric: 0,
            behindOurs: false,
            text: 'throw 10.0.0.2 table 42',
          },
          {
            table: 254,
            prefix: parseCidr('fd01:b:0:0:2::/80'),
            metric: 7,
            behindOurs: false,
            text: 'prohibit fd01:b:0:0:2::/80 metric 7',
          },
        ].map((each) => ({ ...each, text: `${each.text} proto 4` }));
        for (const each of foreign) await world.addForeignRoute(each);
        const theirs = async () => {
          const { foreignRoutes = [] } = await tables.read({ ...SCOPE, kinds: new Set(['route']) }, OPTIONS);
          const prefixes = new Set<string>(foreign.map(({ prefix }) => prefix));
          return foreignRoutes.filter(({ prefix }) => prefixes.has(prefix));
        };
        expect(new Set(await theirs())).toEqual(new Set(foreign));
        const previous = route(254, '9.0.2.0/26', 0x4f800003);
        const object = inline(254, '9.0.2.0/26', '44.128.0.3');
        expect(await tables.apply([{ op: 'replace', object, previous }], OPTIONS)).toEqual([]);
        expect((await read(tables)).filter((each) => keyOf(each) === keyOf(object))).toEqual([object]);
        expect(new Set(await theirs())).toEqual(new Set(foreign));
      }));

    it('gives renamed devices their names back, with all that is on them', () =>
      within(async (tables, world) => {
        await fill(tables);
        await world.rename('m-dcos', 'strange');
        await world.rename('vtep1024', 'stranger');
        const aliases = new Map([[BRIDGE.alias, BRIDGE.name]]);
        const { objects } = await tables.read({ ...SCOPE, aliases }, OPTIONS);
        const renamed: readonly KernelObject[] = [
          { ...BRIDGE, renamedTo: 'strange' },
          { ...VTEP, renamedTo: 'stranger' },
        ];
        const others = EVERYTHING.filter(({ kind }) => kind !== 'link');
        expect(sorted(objects)).toEqual(sorted([...others, ...renamed]));
        const only = new Set(['m-dcos', 'strange']);
        const links = new Set(['link'] as const);
        expect(await tables.read({ ...SCOPE, aliases, only, kinds: links }, OPTIONS)).toMatchObject({
          objects: [],
        });
        const back = renamed.map(
          (previous, index): KernelChange => ({
            op: 'replace',
            object: [BRIDGE, VTEP][index] ?? VTEP,
            previous,
          }),
        );
        expect(await tables.apply(back, OPTIONS)).toEqual([]);
        expect(sorted(await read(tables))).toEqual(sorted(EVERYTHING));
      }));

    it('finds a renamed bridge that nobody wants any more, and removes it', () =>
      within(async (tables, world) => {
        await fill(tables);
        await world.rename('m-dcos', 'strange');
        const scope = { vtep: 'vtep1024', devices: [], sysctls: [], kinds: new Set(['link'] as const) };
        const strange = { ...BRIDGE, name: 'strange' };
        expect(sorted((await tables.read(scope, OPTIONS)).objects)).toEqual(sorted([VTEP, strange]));
        expect(await tables.apply([remove(strange)], OPTIONS)).toEqual([]);
        expect((await tables.read(scope, OPTIONS)).objects).toEqual([VTEP]);
      }));

    it('reads and writes rules in Docker’s chains, wherever these are', () =>
      within(async (tables, world) => {
        const chains: readonly DockerChain[] = [
          { backend: 'nft', family: 4 },
          { backend: 'nft', family: 6 },
          { backend: 'legacy', family: 4 },
        ];
        const scope = { ...SCOPE, kinds: new Set(['docker-accept'] as const) };
        expect(await tables.read(scope, OPTIONS)).toMatchObject({ objects: [], dockerChains: [] });
        await world.makeDockerChains(chains);
        expect(await tables.read(scope, OPTIONS)).toMatchObject({ objects: [], dockerChains: chains });
        const accepts = chains.flatMap((chain): readonly DockerAccept[] => {
          const subnet = chain.family === 4 ? '9.0.0.0/8' : 'fd01:b::/64';
          return [
            `-s ${subnet} -m comment --comment overlay -j ACCEPT`,
            `-d ${subnet} -i vtep1024 -m comment --comment overlay -j ACCEPT`,
            `-d ${subnet} -m comment --comment overlay -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT`,
          ].map((rule) => ({ kind: 'docker-accept', ...chain, rule }));
        });
        expect(await tables.apply(accepts.map(add), OPTIONS)).toEqual([]);
        expect(sorted((await tables.read(scope, OPTIONS)).objects)).toEqual(sorted(accepts));
        const nowhere: DockerAccept = { ...(accepts[0] as DockerAccept), backend: 'legacy', family: 6 };
        const failures = await tables.apply([remove(accepts[0] as DockerAccept), add(nowhere)], OPTIONS);
        expect(failures.map(({ change }) => change.object)).toEqual([nowhere]);
        expect(sorted((await tables.read(scope, OPTIONS)).objects)).toEqual(sorted(accepts.slice(1)));
      }));

    it('takes routes and nexthops along with their device', () =>
      within(async (tables) => {
        await fill(tables);
        expect(await tables.apply([remove(VTEP)], OPTIONS)).toEqual([]);
        const kinds = new Set((await read(tables)).map(({ kind }) => kind));
        expect([...kinds].sort()).toEqual([
          'address',
          'admission',
          'link',
          'nftables',
          'route',
          'rule',
          'sysctl',
        ]);
        const routes = (await read(tables)).filter(({ kind }) => kind === 'route');
        expect(sorted(routes)).toEqual(sorted([unreachable('9.0.0.0/8'), unreachable('fd01:b::/64')]));
      }));
  });
}

function add(object: KernelObject): KernelChange {
  return { op: 'add', object };
}

function remove(object: KernelObject): KernelChange {
  return { op: 'remove', object };
}

/** As text with the keys in order, and without white space in nftables content, which is not compared. */
function sorted(objects: readonly KernelObject[]): readonly string[] {
  return objects
    .map((object) => JSON.stringify(Object.fromEntries(Object.entries(object).sort())))
    .map((text) => text.replaceAll(/(\\n|\\t|\s)+/g, ''))
    .sort();
}
