import { describe, expect, it } from '@jest/globals';
import { MemoryTerminal } from './memory-terminal.js';
import { runOverlayctl } from './overlayctl.js';

async function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const terminal = new MemoryTerminal();
  const exitCode = await runOverlayctl(args, { terminal, environment, version: '1.2.3' });
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

  it.each([
    [[], 'Usage: overlayctl'],
    [['networks'], "unknown command 'networks'"],
    [['network'], 'Usage: overlayctl network'],
    [['network', 'show'], "missing required argument 'name'"],
    [['network', 'show', 'far-too-long-a-name'], 'far-too-long-a-name'],
    [['network', 'ls', 'more'], 'too many arguments'],
    [['agent', 'show', '10.0.0'], '10.0.0'],
    [['agent', 'delete'], "missing required argument 'ip'"],
    [['agent', 'delete', '10.0.0.1', 'nonsense', '--yes'], 'nonsense'],
    [['container', 'probe', 'c1'], 'choose one'],
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
