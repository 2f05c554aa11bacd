import { describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { EVERYTHING } from './contract-objects.js';
import { attributesOf, type KernelObject, keyOf } from './kernel-object.js';
import type { KernelTables } from './kernel-tables.js';
import type { KernelEvent, KernelWatch } from './kernel-watch.js';
import { NFT_TABLE } from './ownership.js';

/** A namespace of its own for one test. */
export interface WatchUnderTest {
  readonly tables: KernelTables;
  /** Together they tell of every kind. */
  readonly watches: readonly KernelWatch[];
  close(): Promise<void>;
}

const OPTIONS = { timeoutMs: 10_000 };

/** Written again and again until somebody is heard to listen. */
const SIGNALS: readonly KernelObject[] = [
  {
    kind: 'route',
    table: 254,
    prefix: parseCidr('9.128.0.0/9'),
    target: { type: 'unreachable', metric: 4278198272 },
  },
  { kind: 'nftables', family: 'inet', name: NFT_TABLE, content: `table inet ${NFT_TABLE} {\n}` },
];

/** What every implementation of {@link KernelWatch} does. */
export function describeKernelWatch(name: string, open: () => Promise<WatchUnderTest>): void {
  describe(`${name} as a watch`, () => {
    it('tells of every kind that is written and removed, as the planner spells it', async () => {
      const { tables, watches, close } = await open();
      const stop = new AbortController();
      let heard: KernelEvent[] = [];
      const listening = watches.map(async (watch) => {
        for await (const events of watch.watch(stop.signal)) heard.push(...events);
      });
      const write = async (op: 'add' | 'remove', objects: readonly KernelObject[]) => {
        expect(
          await tables.apply(
            objects.map((object) => ({ op, object })),
            OPTIONS,
          ),
        ).toEqual([]);
      };
      try {
        const signals = SIGNALS.map((object) => expectedEvent(object, false));
        for (let tries = 0; tries < 100 && !signals.every((signal) => includes(heard, signal)); tries += 1) {
          await write('add', SIGNALS);
          await write('remove', SIGNALS);
        }
        heard = [];
        await write('add', EVERYTHING);
        await everythingIsHeard(() => heard, false);
        heard = [];
        await write('remove', EVERYTHING.filter(({ kind }) => kind !== 'sysctl').reverse());
        await everythingIsHeard(() => heard, true);
      } finally {
        stop.abort();
        await Promise.all(listening);
        await close();
      }
    });
  });
}

/** Waits for the events; a watch that stays silent fails by what is missing. */
async function everythingIsHeard(heard: () => readonly KernelEvent[], gone: boolean): Promise<void> {
  const wanted = EVERYTHING.filter(({ kind }) => !gone || kind !== 'sysctl');
  const missing = () =>
    wanted.map((object) => expectedEvent(object, gone)).filter((event) => !includes(heard(), event));
  for (let tries = 0; tries < 200 && missing().length > 0; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(missing()).toEqual([]);
}

function includes(events: readonly KernelEvent[], wanted: KernelEvent): boolean {
  return events.some((event) => spell(event) === spell(wanted));
}

/** Of an entry what identifies it, and unless it went what it says. */
function spell(event: KernelEvent): string {
  if (event.type === 'link') return `link ${event.device} ${event.change === 'gone'}`;
  if (event.type !== 'entry') return JSON.stringify(Object.entries(event).sort());
  const { object, gone, marked } = event;
  return `${keyOf(object)} ${gone || attributesOf(object)} ${marked}`;
}

function expectedEvent(object: KernelObject, gone: boolean): KernelEvent {
  switch (object.kind) {
    case 'link':
      return { type: 'link', device: object.name, change: gone ? 'gone' : 'up' };
    case 'address':
      return { type: 'address', device: object.device, address: object.address, gone };
    case 'sysctl':
      return { type: 'sysctl', device: 'all' };
    case 'nftables':
      return { type: 'nftables' };
    case 'neighbour':
    case 'fdb':
    case 'nexthop':
    case 'route':
    case 'rule':
    case 'admission':
      return { type: 'entry', object, gone, marked: true };
    case 'port':
      return { type: 'port', device: object.device, bridge: object.bridge };
    case 'offload':
      return { type: 'link', device: object.device, change: 'up' };
    case 'docker-accept':
      return { type: 'docker' };
  }
}
