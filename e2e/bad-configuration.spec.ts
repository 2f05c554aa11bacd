import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type CommandResult, type Configuration, mergeConfig, runCommand, Testbed } from '@overlay/testbed';

jest.setTimeout(60_000);

const APPS = ['master', 'agent', 'ipam', 'dataplane'] as const;
type AppName = (typeof APPS)[number];

const dcos = { name: 'dcos', subnet: '9.0.0.0/8', prefix: 26 };
const networks = (...overlays: readonly Configuration[]): Configuration => ({
  network: { vtep_subnet: '44.128.0.0/20', vtep_mac_oui: '70:B3:D5:00:00:00', overlays },
});

/** One wrong thing each, and what the message must contain: the key, then the value or the rule. */
const WRONG: readonly (readonly [string, AppName, Configuration, readonly string[]])[] = [
  [
    'a name of 14 characters',
    'master',
    networks({ ...dcos, name: 'fourteen-chars' }),
    ['network.overlays[0].name', '13'],
  ],
  [
    'a reserved name',
    'master',
    networks({ ...dcos, name: 'bridge' }),
    ['network.overlays[0].name', 'reserved'],
  ],
  [
    'a name twice',
    'master',
    networks(dcos, { ...dcos, subnet: '10.0.0.0/8' }),
    ['network.overlays[1].name', 'dcos'],
  ],
  ['a name with a slash', 'master', networks({ ...dcos, name: 'a/b' }), ['network.overlays[0].name', 'a/b']],
  [
    'overlapping subnets',
    'master',
    networks(dcos, { name: 'in', subnet: '9.5.0.0/16', prefix: 26 }),
    ['network.overlays[1].subnet', '9.0.0.0/8'],
  ],
  [
    'a subnet over the VTEPs',
    'master',
    networks({ name: 'v', subnet: '44.0.0.0/8', prefix: 26 }),
    ['network.overlays[0].subnet', '44.128.0.0/20'],
  ],
  [
    'an IPv6 prefix for IPv4',
    'master',
    networks({ ...dcos, subnet: 'fd01:b::/64' }),
    ['network.overlays[0].subnet', 'IPv6'],
  ],
  [
    'an IPv4 prefix for IPv6',
    'master',
    networks({ name: 'six', subnet6: '9.0.0.0/8', prefix6: 80 }),
    ['network.overlays[0].subnet6', 'IPv4'],
  ],
  [
    'host bits',
    'master',
    networks({ ...dcos, subnet: '9.0.0.1/8' }),
    ['network.overlays[0].subnet', '9.0.0.0/8'],
  ],
  [
    'a block as large as its network',
    'master',
    networks({ ...dcos, prefix: 8 }),
    ['network.overlays[0].prefix', '8'],
  ],
  [
    'a block without containers',
    'master',
    networks({ ...dcos, prefix: 30 }),
    ['network.overlays[0].prefix', '29'],
  ],
  [
    'a subnet without its prefix',
    'master',
    networks({ name: 'half', subnet: '10.0.0.0/8' }),
    ['network.overlays[0].prefix', 'missing'],
  ],
  [
    'a group MAC as OUI',
    'master',
    { network: { vtep_subnet: '44.128.0.0/20', vtep_mac_oui: '71:B3:D5:00:00:00', overlays: [dcos] } },
    ['network.vtep_mac_oui', 'multicast'],
  ],
  [
    'VTEPs that share MACs',
    'master',
    { network: { vtep_subnet: '44.0.0.0/7', overlays: [dcos] } },
    ['network.vtep_subnet', '/8'],
  ],
  ['two logs', 'master', { log: { etcd: { endpoints: ['http://127.0.0.1:1'] } } }, ['log']],
  [
    'a listener for everybody',
    'master',
    { insecure: false, listen: { http: '0.0.0.0:1' } },
    ['listen.http', 'insecure'],
  ],
  [
    'an MTU too small',
    'agent',
    { network_config: { overlay_mtu: 551 } },
    ['network_config.overlay_mtu', '552'],
  ],
  [
    'an MTU too small for IPv6',
    'agent',
    { network_config: { overlay_mtu: 1279 } },
    ['network_config.overlay_mtu', '1280'],
  ],
  ['a loopback address', 'agent', { ip: '127.0.0.1' }, ['ip', 'loopback']],
  ['a port that is none', 'agent', { master: '10.0.0.1:65536' }, ['master', '10.0.0.1:65536']],
  ['a relative path', 'agent', { sockets: { ipam: 'ipam.sock' } }, ['sockets.ipam', 'absolute']],
  ['a number for a path', 'ipam', { state_dir: 7 }, ['state_dir', '7']],
  ['no listener', 'dataplane', { listen: { metrics: 'nowhere' } }, ['listen.metrics', 'nowhere']],
];

describe('a wrong configuration', () => {
  let testbed: Testbed;
  const folder = mkdtempSync(join(tmpdir(), 'overlay-e2e-'));
  let files = 0;

  /** Writes a configuration and runs a process with it in the host's namespace, the master beside us. */
  async function run(app: AppName, text: string, ...args: readonly string[]): Promise<CommandResult> {
    files += 1;
    const file = join(folder, `${app}-${files}.json`);
    writeFileSync(file, text);
    const argv = [join(resolve('.'), 'bin', `overlay-${app}`), '--config', file, ...args];
    return app === 'master' ? runCommand(argv) : testbed.host('h1').exec(argv);
  }

  const rightConfig = (app: AppName): Configuration =>
    (app === 'master' ? testbed.master : testbed.host('h1')[app]).config;

  /** The process's own configuration on the testbed, changed. */
  const changed = (app: AppName, patch: Configuration): string =>
    JSON.stringify(mergeConfig(rightConfig(app), patch));

  function expectRefused(result: CommandResult, words: readonly string[]): void {
    expect(result.exitCode).toBe(1);
    for (const word of words) expect(result.stderr).toContain(word);
    expect(result.stderr).not.toMatch(/\n\s+at .*:\d+/); // no stack for a user's mistake
  }

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 1, label: 'bad-configuration' });
    await testbed.start();
  });

  afterAll(async () => {
    await testbed?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(WRONG)('with %s is refused by the %s, which names the key', async (_name, app, patch, words) => {
    expectRefused(await run(app, changed(app, patch)), words);
  });

  it.each(APPS)('of the %s with an unknown key is refused', async (app) => {
    expectRefused(await run(app, changed(app, { colour: 'blue', listen: { gprc: 'x' } })), [
      'colour',
      'listen.gprc',
    ]);
  });

  it.each(APPS)('of the %s that is no YAML, no object or not there is refused', async (app) => {
    for (const text of ['listen: [1', '- a', '{"listen": 7}']) {
      expectRefused(await run(app, text), [`overlay-${app}`]);
    }
    const argv = [join(resolve('.'), 'bin', `overlay-${app}`), '--config', join(folder, 'nowhere.yaml')];
    expectRefused(await runCommand(argv), ['nowhere.yaml']);
  });

  it('is listed whole by --check-config, a right one gets 0', async () => {
    const overlays = [
      { ...dcos, name: 'host' },
      { ...dcos, prefix: 31 },
    ];
    const patch = { nonsense: 1, listen: { http: 'x' }, network: { overlays } };
    const keys = ['nonsense', 'listen.http', 'network.overlays[0].name', 'network.overlays[1].prefix'];
    expectRefused(await run('master', changed('master', patch), '--check-config'), keys);
    for (const app of APPS) {
      expect(await run(app, changed(app, {}), '--check-config')).toMatchObject({ exitCode: 0, stderr: '' });
    }
  });

  it.each([
    ['master', 'grpc'],
    ['master', 'http'],
    ['agent', 'http'],
    ['agent', 'grpc'],
    ['ipam', 'grpc'],
    ['ipam', 'http'],
    ['ipam', 'metrics'],
    ['dataplane', 'grpc'],
    ['dataplane', 'metrics'],
  ] as const)('of a second %s with the listener %s of the first is refused by that key', async (app, key) => {
    const own = join(folder, `second-${files}`);
    const { listen } = rightConfig(app) as { readonly listen: Configuration };
    const free = Object.keys(listen).map((name) => [name, `unix:${own}-${name}.sock`]);
    const listeners = { ...Object.fromEntries(free), [key]: listen[key] };
    const state = app === 'master' ? { log: { dir: own } } : app === 'dataplane' ? {} : { state_dir: own };
    const result = await run(app, changed(app, { listen: listeners, ...state }));
    expectRefused(result, [`listen.${key}`]);
  });

  it('left everybody else alone', async () => {
    await testbed.waitSettled(['dcos', 'dcos6']);
  });
});
