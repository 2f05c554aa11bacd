import { describe, expect, it } from '@jest/globals';
import { AllocationHalf, Container, ProbeContainerRequest } from '@overlay/contracts';
import type { ContainerCommands } from './container-commands.js';
import { MemoryCommands } from './memory-commands.js';
import { Prober } from './prober.js';

const CONTAINER = Container.fromPartial({
  containerId: 'web',
  interface: 'eth0',
  network: 'dcos',
  half: AllocationHalf.DOCKER,
  ip: '9.0.0.2',
});
const TRUSTED = { trusted: true, signal: new AbortController().signal };

function proberWith(commands?: ContainerCommands) {
  let waits: (() => void)[] = [];
  const clock = {
    monotonicMs: () => 7,
    sleep: (_durationMs: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        waits.push(resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      }),
  };
  const prober = new Prober({
    containers: () => [CONTAINER],
    stranded: () => [],
    ...(commands === undefined ? {} : { commands }),
    clock,
  });
  const timePasses = () => {
    for (const wake of waits) wake();
    waits = [];
  };
  return { prober, timePasses };
}

function command(container: string, ...argv: readonly string[]): ProbeContainerRequest {
  return ProbeContainerRequest.fromPartial({
    container,
    probe: { $case: 'command', value: { argv: [...argv] } },
  });
}

describe('Prober', () => {
  it('runs a command and tells its end', async () => {
    const commands = new MemoryCommands();
    commands.outcomes.set('web', { exitCode: 0, output: 'fine\n' });
    const { prober } = proberWith(commands);
    await expect(prober.probe(command('9.0.0.2', 'check', '--all'), TRUSTED)).resolves.toEqual({
      healthy: true,
      detail: 'exit code 0: fine',
      durationMs: 0,
    });
    expect(commands.ran).toEqual([
      { containerId: 'web', half: AllocationHalf.DOCKER, argv: ['check', '--all'] },
    ]);
    commands.outcomes.set('web', { exitCode: 3, output: '' });
    await expect(prober.probe(command('web', 'check'), TRUSTED)).resolves.toMatchObject({
      healthy: false,
      detail: 'exit code 3',
    });
  });

  it('calls a command that does not end in time unhealthy', async () => {
    const commands = new MemoryCommands();
    commands.outcomes.set('web', 'hangs');
    const { prober, timePasses } = proberWith(commands);
    const probing = prober.probe(command('web', 'sleep'), TRUSTED);
    await new Promise(setImmediate);
    timePasses();
    await expect(probing).resolves.toMatchObject({
      healthy: false,
      detail: 'the command did not end in time',
    });
  });

  it('gives the place of a probe that never ends to the next one, soon after its time', async () => {
    const { prober, timePasses } = proberWith({ run: () => new Promise<never>(() => undefined) });
    for (let round = 0; round < 2; round += 1) {
      const probing = Array.from({ length: 32 }, () => prober.probe(command('web', 'x'), TRUSTED));
      for (const _wait of ['its time', 'the time to wind up']) {
        timePasses();
        await new Promise(setImmediate);
      }
      const found = { healthy: false, detail: 'the probe did not end in time' };
      for (const finding of await Promise.all(probing)) expect(finding).toMatchObject(found);
    }
  });

  it('takes no command that is not allowed, or from whom nothing vouches for', async () => {
    const commands = new MemoryCommands();
    const open = { ...TRUSTED, trusted: false };
    await expect(proberWith().prober.probe(command('web', 'x'), TRUSTED)).rejects.toMatchObject({
      code: 'failed_precondition',
    });
    await expect(proberWith(commands).prober.probe(command('web', 'x'), open)).rejects.toMatchObject({
      code: 'permission_denied',
    });
    expect(commands.ran).toEqual([]);
  });

  it('reaches only containers of this host', async () => {
    const { prober } = proberWith(new MemoryCommands());
    await expect(prober.probe(command('elsewhere', 'x'), TRUSTED)).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});
