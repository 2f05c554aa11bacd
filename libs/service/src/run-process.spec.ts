import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import { dataplaneConfiguration } from '@overlay/model';
import { type ProcessDescription, type ProcessHost, type ProcessInput, runProcess } from './run-process.js';

/** Node's process in memory: keeps what is written, and is signalled by the test. */
class FakeProcess extends EventEmitter implements ProcessHost {
  readonly argv: readonly string[];
  readonly env = { OVERLAY_SETTING: 'on' };
  out = '';
  err = '';
  readonly stdout = { write: (text: string) => (this.out += text) };
  readonly stderr = { write: (text: string) => (this.err += text) };
  readonly pid = 7;

  kill(pid: number, signal: string): void {
    this.emit('kill', pid, signal);
  }

  constructor(args: readonly string[]) {
    super();
    this.argv = ['node', 'overlay-dataplane', ...args];
  }
}

type Config = ReturnType<typeof dataplaneConfiguration.parse>;
type Description = ProcessDescription<Config>;

describe('runProcess', () => {
  let folder = '';
  let quiet = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-process-'));
    quiet = configFile('log_level: silent\n');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function configFile(text: string): string {
    const path = join(folder, `config-${text.length}.yaml`);
    writeFileSync(path, text);
    return path;
  }

  async function run(args: readonly string[], start: Description['start'], more: Partial<Description> = {}) {
    const host = new FakeProcess(args);
    const exitCode = await runProcess(
      {
        configuration: dataplaneConfiguration,
        summary: 'Configures the kernel.',
        version: '1.2.3',
        start,
        ...more,
      },
      host,
    );
    return { exitCode, out: host.out, err: host.err };
  }

  const notStarted = async () => {
    throw new OverlayError('internal', 'must not be started');
  };

  it('names the key of a file that is not there, with --check-config too', async () => {
    const files = () => [{ key: 'tls.ca', path: join(folder, 'ca.pem') }];
    const configuration = { ...dataplaneConfiguration, files };
    for (const args of [['--check-config'], []]) {
      const { exitCode, err } = await run(args, notStarted, { configuration });
      expect(exitCode).toBe(1);
      expect(err).toMatch(/tls\.ca: cannot be read: .*ENOENT.*ca\.pem/);
    }
  });

  it('names a file that is not there beside the keys that are wrong', async () => {
    const files = () => [{ key: 'tls.ca', path: join(folder, 'ca.pem') }];
    const file = join(folder, 'coloured.yaml');
    writeFileSync(file, 'colour: blue\n');
    const { err } = await run(['--config', file, '--check-config'], notStarted, {
      configuration: { ...dataplaneConfiguration, files },
    });
    expect(err).toMatch(/has 2 errors:\n {2}colour: unknown key.*\n {2}tls\.ca: cannot be read/);
  });

  it('explains itself', async () => {
    const flags = [{ notation: '--adopt-networks', meaning: 'take over' }];
    const { exitCode, out, err } = await run(['--help'], notStarted, { flags });
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    for (const part of [
      'overlay-dataplane',
      'Configures the kernel.',
      '--config',
      '--check-config',
      '--version',
    ]) {
      expect(out).toContain(part);
    }
    expect(out).toMatch(/--adopt-networks +take over/);
  });

  it('does a task in place of its work', async () => {
    const tasks = [
      {
        flag: '--purge' as const,
        meaning: 'remove everything',
        async run(config: Config, print: (text: string) => void) {
          print(`purging at ${config.logLevel}\n`);
          return 1;
        },
      },
    ];
    expect((await run(['--help'], notStarted, { tasks })).out).toMatch(/--purge +remove everything/);
    const done = await run(['--config', quiet, '--purge'], notStarted, { tasks });
    expect(done).toEqual({ exitCode: 1, out: 'purging at silent\n', err: '' });
  });

  it('tells its version', async () => {
    expect(await run(['--version'], notStarted)).toEqual({ exitCode: 0, out: '1.2.3\n', err: '' });
  });

  it.each([[['--no-such-flag']], [['--config']], [['stray']]])('refuses %j as wrong usage', async (args) => {
    const { exitCode, out, err } = await run(args, notStarted);
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' });
    expect(err).toMatch(/^error: /);
  });

  it('checks a right configuration without starting', async () => {
    const { exitCode, out, err } = await run(['--config', quiet, '--check-config'], notStarted);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    expect(out).toContain('overlay-dataplane');
    expect((await run(['--check-config'], notStarted)).exitCode).toBe(0);
  });

  it('lists every wrong key at once, without a stack', async () => {
    const wrong = configFile(
      'log_level: loud\nlisten: { grpc: nowhere, metric: "127.0.0.1:1" }\nsecure: true\n',
    );
    for (const args of [
      ['--config', wrong, '--check-config'],
      ['--config', wrong],
    ]) {
      const { exitCode, out, err } = await run(args, notStarted);
      expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
      for (const key of ['log_level', 'listen.grpc', 'listen.metric', 'secure'])
        expect(err).toContain(`${key}: `);
      expect(err).not.toMatch(/^ {4}at /m);
    }
  });

  it('names a configuration file that cannot be read', async () => {
    const { exitCode, err } = await run(['--config', join(folder, 'missing.yaml')], notStarted);
    expect(exitCode).toBe(1);
    expect(err).toContain(`cannot read the configuration ${join(folder, 'missing.yaml')}`);
  });

  it('hands the process what it lives on', async () => {
    let input: ProcessInput<Config> | undefined;
    const start = async (given: ProcessInput<Config>) => {
      input = given;
      return {
        failed: Promise.resolve(new OverlayError('internal', 'end of the test')),
        close: async () => {},
      };
    };
    const flags = [{ notation: '--adopt-networks', meaning: 'take over' }];
    await run(['--config', quiet, '--adopt-networks'], start, { flags });
    expect(input).toMatchObject({
      config: { logLevel: 'silent' },
      flags: { adoptNetworks: true },
      environment: { OVERLAY_SETTING: 'on' },
    });
    expect(input?.readiness.reasons()).toEqual([]);
    expect(await input?.metrics.render()).toContain('process="overlay-dataplane"');
  });

  it.each(['SIGTERM', 'SIGINT'])('closes in order on %s and exits with 0', async (signal) => {
    const host = new FakeProcess(['--config', quiet]);
    const events: string[] = [];
    const exitCode = await runProcess(
      {
        configuration: dataplaneConfiguration,
        summary: '',
        version: '1.2.3',
        async start() {
          events.push('start');
          setImmediate(() => host.emit(signal));
          return {
            failed: new Promise<OverlayError>(() => undefined),
            async close() {
              events.push('close');
            },
          };
        },
      },
      host,
    );
    expect(exitCode).toBe(0);
    expect(events).toEqual(['start', 'close']);
    expect(host.err).toBe('');
  });

  it('does not forget a signal that comes while it starts', async () => {
    const host = new FakeProcess(['--config', quiet]);
    let closed = 0;
    const exitCode = await runProcess(
      {
        configuration: dataplaneConfiguration,
        summary: '',
        version: '1.2.3',
        async start() {
          host.emit('SIGTERM');
          host.emit('SIGINT');
          return {
            async close() {
              closed += 1;
            },
          };
        },
      },
      host,
    );
    expect({ exitCode, closed }).toEqual({ exitCode: 0, closed: 1 });
  });

  it('exits with 1 and the reason, without a stack, when it cannot start', async () => {
    const { exitCode, err } = await run(['--config', quiet], async () => {
      throw new OverlayError('failed_precondition', 'listen.grpc: cannot listen on 127.0.0.1:5060');
    });
    expect(exitCode).toBe(1);
    expect(err).toBe('overlay-dataplane: listen.grpc: cannot listen on 127.0.0.1:5060\n');
  });

  it('shows where a fault of its own comes from', async () => {
    const { exitCode, err } = await run(['--config', quiet], async () => {
      throw new TypeError('x is undefined');
    });
    expect(exitCode).toBe(1);
    expect(err).toMatch(/^overlay-dataplane: x is undefined\n[\s\S]*run-process\.spec/);
  });

  it('closes and exits with 1 when it cannot go on', async () => {
    let closed = 0;
    const { exitCode, err } = await run(['--config', quiet], async () => ({
      failed: Promise.resolve(new OverlayError('aborted', 'another master leads')),
      async close() {
        closed += 1;
      },
    }));
    expect({ exitCode, closed }).toEqual({ exitCode: 1, closed: 1 });
    expect(err).toBe('overlay-dataplane: another master leads\n');
  });

  it.each<[string, Description['start']]>([
    ['closing', async () => ({ close: () => new Promise<void>(() => undefined) })],
    ['starting', () => new Promise(() => undefined)],
  ])('is killed, with a last line, when %s takes too long after a signal', async (_what, start) => {
    const host = new FakeProcess(['--config', quiet]);
    const description = { configuration: dataplaneConfiguration, summary: '', version: '1.2.3', start };
    const killed = once(host, 'kill');
    void runProcess({ ...description, endLimitMs: 5 }, host);
    setImmediate(() => host.emit('SIGTERM'));
    expect(await killed).toEqual([7, 'SIGKILL']);
    expect(host.err).toBe('overlay-dataplane: killed: it did not end in order within 5 ms after: SIGTERM\n');
  });

  it('tells the first reason when closing fails as well', async () => {
    const { exitCode, err } = await run(['--config', quiet], async () => ({
      failed: Promise.resolve(new OverlayError('data_loss', 'the log is damaged')),
      async close() {
        throw new OverlayError('unavailable', 'the log is closed');
      },
    }));
    expect(exitCode).toBe(1);
    expect(err).toBe('overlay-dataplane: the log is damaged\n');
  });
});
