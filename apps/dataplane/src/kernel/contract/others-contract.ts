import { expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { BRIDGE, EVERYTHING, inline, route, VTEP } from '../contract-objects.js';
import { type DockerAccept, type DockerChain, type KernelObject, keyOf } from '../kernel-object.js';
import type { ForeignRoute, KernelChange } from '../kernel-tables.js';
import {
  add,
  fill,
  OPTIONS,
  read,
  remove,
  SCOPE,
  sorted,
  type TablesUnderTest,
  within,
} from './tables-steps.js';

/** What other programs do beside us and to ours: ports, routes, other names, Docker's chains. */
export function describeOthers(open: () => Promise<TablesUnderTest>): void {
  it('plugs a port in, and knows a bridge that is made anew from the one before', () =>
    within(open, async (tables, world) => {
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
    within(open, async (tables, world) => {
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
    within(open, async (tables, world) => {
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
    within(open, async (tables, world) => {
      await fill(tables);
      await world.rename('m-dcos', 'strange');
      const scope = { vtep: 'vtep1024', devices: [], sysctls: [], kinds: new Set(['link'] as const) };
      const strange = { ...BRIDGE, name: 'strange' };
      expect(sorted((await tables.read(scope, OPTIONS)).objects)).toEqual(sorted([VTEP, strange]));
      expect(await tables.apply([remove(strange)], OPTIONS)).toEqual([]);
      expect((await tables.read(scope, OPTIONS)).objects).toEqual([VTEP]);
    }));

  it('reads and writes rules in Docker’s chains, wherever these are', () =>
    within(open, async (tables, world) => {
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
}
