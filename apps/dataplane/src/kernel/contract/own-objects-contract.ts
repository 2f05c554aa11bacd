import { expect, it } from '@jest/globals';
import { parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { ADMISSION, BRIDGE, EVERYTHING, fdb, inline, route, unreachable, VTEP } from '../contract-objects.js';
import { KERNEL_OBJECT_KINDS, type KernelObject, keyOf, type VxlanLink } from '../kernel-object.js';
import type { KernelChange } from '../kernel-tables.js';
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

/** Our objects: reading them back, changing them, and what of them the kernel refuses or takes along. */
export function describeOwnObjects(open: () => Promise<TablesUnderTest>): void {
  it('reads back every kind as it was written', () =>
    within(open, async (tables) => {
      expect(await fill(tables)).toEqual([]);
      expect(sorted(await read(tables))).toEqual(sorted(EVERYTHING));
    }));

  it('removes every kind', () =>
    within(open, async (tables) => {
      await fill(tables);
      const removable = EVERYTHING.filter(({ kind }) => kind !== 'sysctl').reverse();
      expect(await tables.apply(removable.map(remove), OPTIONS)).toEqual([]);
      expect((await read(tables)).filter(({ kind }) => kind !== 'sysctl')).toEqual([]);
    }));

  it('changes what can be changed in place, and everything else stays', () =>
    within(open, async (tables) => {
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
    within(open, async (tables) => {
      await fill(tables);
      const changed = { ...VTEP, mac: parseMacAddress('70:b3:d5:80:00:77') };
      expect(await tables.apply([{ op: 'replace', previous: VTEP, object: changed }], OPTIONS)).toEqual([]);
      const kept = EVERYTHING.filter((object) => object !== VTEP && object.kind !== 'neighbour');
      expect(sorted(await read(tables))).toEqual(sorted([...kept, changed]));
    }));

  it('reads only the kinds that are asked for', () =>
    within(open, async (tables) => {
      await fill(tables);
      for (const kind of KERNEL_OBJECT_KINDS) {
        const { objects } = await tables.read({ ...SCOPE, kinds: new Set([kind]) }, OPTIONS);
        expect(sorted(objects)).toEqual(sorted(EVERYTHING.filter((object) => object.kind === kind)));
      }
    }));

  it('finds the device that has an address, when links are read', () =>
    within(open, async (tables) => {
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
    within(open, async (tables) => {
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
    within(open, async (tables) => {
      await fill(tables);
      const again = add(unreachable('9.0.0.0/8'));
      const gone = remove(unreachable('9.128.0.0/9'));
      const failures = await tables.apply([again, gone], OPTIONS);
      expect(failures.map(({ change }) => change)).toEqual([again, gone]);
    }));

  it('takes the elements along with their table, also when it is replaced', () =>
    within(open, async (tables) => {
      await fill(tables);
      const content = ADMISSION.content.replace('}', '}\nset more {\ntype ipv4_addr\n}');
      const object = { ...ADMISSION, content };
      expect(await tables.apply([{ op: 'replace', previous: ADMISSION, object }], OPTIONS)).toEqual([]);
      expect((await read(tables)).filter(({ kind }) => kind === 'admission')).toEqual([]);
    }));

  it('names the element that failed and does those around it', () =>
    within(open, async (tables) => {
      await fill(tables);
      const changes = ['10.0.0.2', '10.0.0.9', '10.0.0.3'].map((address) =>
        remove({ kind: 'admission', address: parseIpAddress(address) }),
      );
      const failures = await tables.apply(changes, OPTIONS);
      expect(failures.map(({ change }) => change)).toEqual([changes[1]]);
      expect((await read(tables)).filter(({ kind }) => kind === 'admission')).toEqual([]);
    }));

  it('leads a route through a gateway, and from there to a nexthop and back', () =>
    within(open, async (tables) => {
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
    within(open, async (tables) => {
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

  it('takes routes and nexthops along with their device', () =>
    within(open, async (tables) => {
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
}
