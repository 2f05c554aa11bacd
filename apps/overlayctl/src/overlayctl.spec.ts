import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryTerminal } from './memory-terminal.js';
import { runOverlayctl } from './overlayctl.js';

async function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const terminal = new MemoryTerminal();
  const exitCode = await runOverlayctl(args, {
    terminal,
    environment,
    version: '1.2.3',
    agentProgram: '/nowhere/overlay-agent',
  });
  return { exitCode, out: terminal.printed.join('\n'), err: terminal.warned.join('\n') };
}

describe('runOverlayctl', () => {
  it('tells its version and its commands', async () => {
    expect(await run(['--version'])).toEqual({ exitCode: 0, out: '1.2.3', err: '' });
    const help = await run(['--help']);
    expect(help.exitCode).toBe(0);
    for (const command of ['network', 'agent', 'container', 'capacity', 'state', 'log', 'host']) {
      expect(help.out).toContain(`  ${command}`);
    }
  });

  it.each([[['network', 'show', 'a\u001b[2J']], [['a\u001b[2J']], [['--master', 'a\u001b[2J', 'state']]])(
    'lets no text steer the terminal: %j',
    async (args) => {
      const answer = await run(args);
      expect(answer.exitCode).toBe(2);
      expect(answer.err).toContain('a [2J');
    },
  );

  it.each([
    [[], 'Usage: overlayctl'],
    [['networks'], "unknown command 'networks'"],
    [['network'], 'Usage: overlayctl network'],
    [['network', 'show'], "missing required argument 'name'"],
    [['network', 'show', 'far-too-long-a-name'], 'far-too-long-a-name'],
    [['network', 'ls', 'more'], 'too many arguments'],
    [['network', 'create', 'lab', '--subnet', '10.8.0.0/99', '--prefix', '26'], '--subnet: '],
    [['agent', 'show', '10.0.0'], '10.0.0'],
    [['agent', 'delete'], "missing required argument 'ip'"],
    [['agent', 'delete', '10.0.0.1', 'nonsense', '--yes'], 'nonsense'],
    [['container', 'probe', 'c1'], 'choose one'],
    [['--config', '/nowhere/overlayctl.yaml', 'state'], '/nowhere/overlayctl.yaml'],
    [['state', '--config', '/nowhere/overlayctl.yaml'], '/nowhere/overlayctl.yaml'],
    [['--check-config', 'network', 'ls'], '--check-config: takes no command: leave out network ls'],
    [['network', 'ls', '--check-config'], "unknown option '--check-config'"],
    [['network', '--timeout', 'soon', 'ls'], '--timeout: "soon" is no time'],
    [['network', 'ls', '--timeout', 'soon'], '--timeout: "soon" is no time'],
    [['--timeout', '5', 'network', 'ls', '--timeout', 'soon'], '--timeout: "soon" is no time'],
    [['--colour', 'state'], "unknown option '--colour'"],
    [['--master', 'nowhere', 'state'], '--master: "nowhere" is no address'],
    [['--timeout', 'soon', 'state'], '--timeout: "soon" is no time'],
    [['--tls-ca', 'ca.pem', 'state'], '--tls-cert: is missing'],
    [['container', 'ls', '--network', 'host'], 'reserved'],
    [['log'], 'Usage: overlayctl log'],
    [['log', 'export'], "missing required argument 'file'"],
    [['log', 'verify', '--config', '/nowhere/master.yaml'], '/nowhere/master.yaml'],
  ])('answers %j with exit code 2 and says why', async (args, reason) => {
    const answer = await run(args);
    expect(answer).toMatchObject({ exitCode: 2, out: '' });
    expect(answer.err).toContain(reason);
    expect(answer.err).not.toContain('    at ');
  });

  it('names the environment variable that is wrong', async () => {
    const answer = await run(['state'], { OVERLAY_MASTER: 'junk' });
    expect(answer).toMatchObject({ exitCode: 2 });
    expect(answer.err).toContain('OVERLAY_MASTER: "junk"');
  });
});

describe('the configuration of overlayctl', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'overlayctl-config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function file(name: string, content: unknown): string {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  }

  it('is checked on demand, and nothing else is done', async () => {
    const right = file('right.json', { master: 'm1.example:5060', timeout: 2 });
    const answer = { exitCode: 0, out: 'overlayctl: the configuration is right', err: '' };
    expect(await run(['--config', right, '--check-config'])).toEqual(answer);
    expect(await run(['--check-config'])).toEqual(answer);
    const wrong = file('wrong.json', { mister: 'm1.example:5060', timeout: 'soon', sockets: { agent: 'x' } });
    for (const args of [
      ['--config', wrong, '--check-config'],
      ['--check-config', '--config', wrong],
    ]) {
      const { exitCode, err } = await run(args);
      expect(exitCode).toBe(1);
      for (const key of ['mister', 'timeout', 'sockets.agent']) expect(err).toContain(`${key}: `);
    }
  });

  it('names TLS files that are not there', async () => {
    const at = (name: string) => join(folder, name);
    const config = file('tls.json', { tls: { ca: at('ca'), cert: at('cert'), key: at('key') } });
    const { exitCode, err } = await run(['--config', config, '--check-config']);
    expect(exitCode).toBe(1);
    expect(err).toMatch(/tls\.ca: cannot be read: .*ENOENT/);
  });

  it.each([
    [(config: string) => ['--config', config, 'state']],
    [(config: string) => ['state', '--config', config]],
  ])('is refused by commands where it is wrong', async (argsOf) => {
    const { exitCode, err } = await run(argsOf(file('wrong.json', { mister: 'x' })));
    expect(exitCode).toBe(2);
    expect(err).toContain('mister: unknown key');
  });

  it('stands before log commands, and the configuration of the master behind them', async () => {
    const own = file('own.json', { timeout: 2 });
    const dir = join(folder, 'no-log');
    const master = file('master.json', { log: { dir } });
    for (const args of [
      ['--config', own, 'log', 'verify', '--config', master],
      ['log', '--config', own, 'verify', '--config', master],
      ['log', 'verify', '--config', master],
    ]) {
      const { exitCode, err } = await run(args);
      expect(exitCode).toBe(1);
      expect(err).toContain(dir);
    }
    const mixedUp = await run(['--config', master, 'log', 'verify', '--config', master]);
    expect(mixedUp).toMatchObject({ exitCode: 2 });
    expect(mixedUp.err).toContain('log: unknown key');
  });
});
