import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type AppProcess, type Container, type Host, type ManagedProcess, Testbed } from '@overlay/testbed';
import { KernelWrites } from './kernel-writes.js';
import { copyPrograms, UPGRADED_VERSION } from './upgraded-program.js';
import { waitUntil } from './wait-until.js';

jest.setTimeout(120_000);

const NETWORKS = ['dcos', 'dcos6'];
const APPS = ['master', 'agent', 'ipam', 'dataplane'] as const;
type AppName = (typeof APPS)[number];

/** What stands in a host's kernel, without the order in which it came. */
async function stateOf(host: Host): Promise<string> {
  const lists = [
    ['ip', '-o', '-d', 'link', 'show', 'type', 'vxlan'],
    ['ip', '-o', '-d', 'link', 'show', 'type', 'bridge'],
    ['ip', '-o', 'address', 'show', 'scope', 'global'],
    ['ip', 'neigh', 'show', 'nud', 'permanent'],
    ['bridge', 'fdb', 'show', 'dev', 'vtep1024'],
    ['ip', 'nexthop', 'show'],
    ['ip', '-4', 'route', 'show', 'table', 'all', 'proto', '142'],
    ['ip', '-6', 'route', 'show', 'table', 'all', 'proto', '142'],
    ['ip', '-4', 'rule', 'show'],
    ['ip', '-6', 'rule', 'show'],
    ['nft', '-s', 'list', 'ruleset'],
  ];
  const outputs = await Promise.all(lists.map((argv) => host.exec(argv)));
  const lines = outputs.flatMap(({ stdout }) => stdout.split('\n'));
  return lines
    .map((line) => line.replace(/^\d+: |(?:gc_timer|hello_timer|tcn_timer|topology_change_timer) +\S+/g, ''))
    .filter((line) => !/^(33:33|01:00:5e)/.test(line))
    .sort()
    .join('\n');
}

describe('upgrades and damage under load', () => {
  let testbed: Testbed;
  let left: Container;
  let right: Container;
  /** TCP streams, both ways. */
  let streams: readonly (readonly [Container, number])[] = [];
  let program: (app: AppName) => string;
  const host = (label: string): Host => testbed.host(label);

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 2, label: 'upgrades' });
    program = copyPrograms(testbed.folder, APPS);
    await testbed.start();
    await testbed.waitSettled(NETWORKS);
    left = await host('h1').attachCni('dcos');
    right = await host('h2').attachCni('dcos');
    await Promise.all([left.serveEcho(), right.serveEcho()]);
    streams = [
      [left, await left.openStream(right.ipv4 ?? '')],
      [right, await right.openStream(left.ipv4 ?? '')],
    ];
    await expectStreamsGoOn();
  });

  afterAll(async () => {
    await testbed?.close();
  });

  /** Lines keep coming back over the connections that were opened at the very start. */
  async function expectStreamsGoOn(): Promise<void> {
    for (const [from, stream] of streams) {
      const before = await from.streamStatus(stream);
      await waitUntil('lines come back', async () => {
        const { linesEchoed, error } = await from.streamStatus(stream);
        return linesEchoed > before.linesEchoed + 10 || error !== undefined;
      });
      expect(await from.streamStatus(stream)).toMatchObject({ ok: true });
    }
  }

  /** Numbers datagrams in their order for as long as something runs. @returns how many were sent, and which were lost. */
  async function datagramsDuring(story: () => Promise<void>) {
    const lost: number[] = [];
    const ending = new AbortController();
    let sent = 0;
    const sender = async (): Promise<void> => {
      for (; !ending.signal.aborted; sent += 1) {
        const { ok } = await left.udp(right.ipv4 ?? '', { timeoutMs: 5_000 });
        if (!ok) lost.push(sent);
        await sleep(2);
      }
    };
    const sending = sender();
    await story().finally(() => ending.abort());
    await sending;
    return { sent, lost };
  }

  /** Kills a process and starts the copied program in its place. */
  async function upgrade(on: Host, app: AppName, old: AppProcess): Promise<ManagedProcess> {
    const root = app === 'master' ? ['nsenter', `--net=/proc/${process.pid}/ns/net`, '--'] : [];
    const argv = [...root, program(app), '--config', old.configFile];
    const upgraded = on.process(`upgraded-${app}`, argv);
    await old.kill();
    await upgraded.start();
    await waitUntil(`the new ${app} runs`, () => {
      if (!upgraded.running) throw new Error(upgraded.logTail());
      return upgraded.log().includes(`"version":"${UPGRADED_VERSION}"`);
    });
    return upgraded;
  }

  it.each(APPS)('upgrades %s and takes the upgrade back: no reset, no datagram lost', async (app) => {
    const on = host('h1');
    const old = app === 'master' ? testbed.master : on[app];
    const before = await stateOf(on);
    const writes = await KernelWrites.follow(on, `of-${app}`);
    const { sent, lost } = await datagramsDuring(async () => {
      const upgraded = await upgrade(on, app, old);
      await testbed.waitSettled(NETWORKS);
      await expectStreamsGoOn();
      await upgraded.kill();
      await old.start();
      await testbed.waitSettled(NETWORKS);
      await expectStreamsGoOn();
    });
    expect(lost).toEqual([]);
    expect(sent).toBeGreaterThan(20);
    expect(await writes.end()).toEqual([]);
    expect(await stateOf(on)).toBe(before);
  });

  describe('what somebody damages by hand', () => {
    const ip = (text: string): readonly string[] => ['ip', ...text.split(' ')];
    /** Of host 2 as host 1 sees it: its VTEP addresses, MAC and blocks. */
    async function peerAt(on: Host) {
      const [first] = (await on.execOrFail(['ip', '-4', 'nexthop', 'show', 'proto', '142'])).split('\n');
      const [, id = '', vtep = ''] = /^id (\d+) via (\S+)/.exec(first ?? '') ?? [];
      const routes = await on.execOrFail(['ip', '-4', 'route', 'show', 'proto', '142']);
      const block = new RegExp(`^(\\S+) nhid ${id} `, 'm').exec(routes)?.[1] ?? '';
      const neighbour = await on.execOrFail(['ip', 'neigh', 'show', vtep, 'nud', 'permanent']);
      const mac = /lladdr (\S+)/.exec(neighbour)?.[1] ?? '';
      return { id, vtep, block, mac };
    }
    type Peer = Awaited<ReturnType<typeof peerAt>>;

    it.each<
      readonly [
        string,
        (peer: Peer) => readonly string[],
        (peer: Peer) => readonly string[],
        RegExp | undefined,
      ]
    >([
      ['a route', ({ block }) => ip(`route del ${block}`), ({ block }) => [block], /^\[ROUTE\]/],
      ['a neighbour', ({ vtep }) => ip(`neigh del ${vtep} dev vtep1024`), ({ vtep }) => [vtep], /^\[NEIGH\]/],
      [
        'a forwarding entry',
        ({ mac }) => ['bridge', 'fdb', 'del', mac, 'dev', 'vtep1024'],
        ({ mac }) => [mac],
        /^\[NEIGH\]/,
      ],
      [
        'a nexthop with the routes on it',
        ({ id }) => ip(`nexthop del id ${id}`),
        ({ id }) => [id],
        /^\[(NEXTHOP|ROUTE)\]/,
      ],
      ['a rule', () => ip('-4 rule del priority 30042'), () => ['30042:'], /^\[RULE\]/],
      [
        'the nftables table',
        () => ['nft', 'delete', 'table', 'inet', 'overlay'],
        () => ['inet overlay '],
        /^add /,
      ],
      [
        'the address of a bridge',
        () => ip('-4 addr flush dev m-dcos'),
        () => ['m-dcos', '9.0.'],
        /^\[(ADDR|ROUTE)\]/,
      ],
      [
        'the MAC of a bridge',
        () => ip('link set m-dcos address 02:99:99:99:99:99'),
        () => ['m-dcos', '9.0.', 'link/ether'],
        undefined,
      ],
      ['the VTEP with all that is on it', () => ip('link del vtep1024'), () => [], undefined],
    ])('is repaired without a nudge, and nothing else is written: %s', async (what, damage, marks, kinds) => {
      const on = host('h1');
      const peer = await peerAt(on);
      const healthy = await stateOf(on);
      const writes = await KernelWrites.follow(on, `of-${what.replaceAll(/\W+/g, '-')}`);
      await on.execOrFail(damage(peer));
      const startMs = performance.now();
      await waitUntil('it is repaired', async () => (await stateOf(on)) === healthy);
      process.stdout.write(`repaired within ${Math.round(performance.now() - startMs)} ms: ${what}\n`);
      const written = await writes.end();
      expect(written.length).toBeGreaterThan(0);
      if (kinds === undefined) return;
      const strays = written.filter(
        (line) => !kinds.test(line) || !marks(peer).some((mark) => `${line} `.includes(mark)),
      );
      expect(strays).toEqual([]);
    });

    it('never reset the connections', async () => {
      await expectStreamsGoOn();
      for (const [from, stream] of streams)
        expect(await from.closeStream(stream)).toMatchObject({ ok: true });
    });
  });
});
