import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AgentServiceService, ProbeContainerRequest } from '@overlay/contracts';
import { createRpcClient, type RpcClient } from '@overlay/rpc';
import { type Container, type Host, Testbed } from '@overlay/testbed';
import { eventually } from './agent-process.js';

let testbed: Testbed;
let host: Host;
let agent: RpcClient<typeof AgentServiceService>;
let container: Container;

beforeAll(async () => {
  testbed = await Testbed.create({ hosts: 1, docker: true, host: { agent: { probe_commands: true } } });
  host = testbed.host('h1');
  await testbed.start();
  await testbed.waitSettled(['dcos']);
  await host.waitDockerNetwork('dcos');
  container = await host.runDocker('dcos');
  agent = createRpcClient(AgentServiceService, { target: `unix:${host.paths.agentSocket}` });
  await eventually('the agent knows the container', async () => (await run('true')) !== 'not_found');
}, 120_000);
afterAll(async () => {
  agent?.close();
  await testbed?.close();
}, 60_000);

function command(argv: readonly string[], timeoutMs = 30_000) {
  const probe = { $case: 'command' as const, value: { argv: [...argv] } };
  return agent.probeContainer(
    ProbeContainerRequest.fromPartial({ container: container.ipv4 ?? '', probe, timeoutMs }),
    { timeoutMs: 40_000 },
  );
}

/** The exit of a command, or the code of what kept it from running. */
async function run(...argv: readonly string[]): Promise<string> {
  try {
    return (await command(argv)).detail;
  } catch (thrown) {
    return (thrown as { readonly code: string }).code;
  }
}

describe('a command probe of a Docker container', () => {
  it('is healthy on exit code 0, and tells what the command said', async () => {
    expect(await run('sh', '-c', 'echo ready')).toBe('exit code 0: ready');
    expect(await command(['sh', '-c', 'echo broken >&2; exit 3'])).toMatchObject({
      healthy: false,
      detail: 'exit code 3: broken',
    });
  });

  it('runs inside the container and not on the host', async () => {
    expect(await run('ip', '-4', 'addr', 'show', 'eth0')).toContain(container.ipv4);
  });

  it('finds a program that there is not unhealthy', async () => {
    expect(await command(['no-such-program'])).toMatchObject({ healthy: false });
  });

  it('ends a command that takes too long', async () => {
    expect(await command(['sleep', '4242'], 1_500)).toMatchObject({
      healthy: false,
      detail: 'the command did not end in time',
    });
    await eventually('the command is gone', async () => {
      return !(await run('ps')).includes('sleep 4242');
    });
  });
});
