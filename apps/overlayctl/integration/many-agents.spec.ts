import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { MasterServiceService, NetworkServiceService } from '@overlay/contracts';
import { createRpcClient, implementService, startRpcServer } from '@overlay/rpc';
import { LoneMaster } from '@overlay/testbed';
import { runOverlayctl } from './run-overlayctl.js';

const AGENTS = 3_000;
const AT_ONCE = 250;

describe('overlayctl state', () => {
  it('shows a cluster whose state is too large for one answer', async () => {
    const master = await LoneMaster.start();
    const agents = createRpcClient(MasterServiceService, { target: master.grpcAddress, timeoutMs: 30_000 });
    const operator = createRpcClient(NetworkServiceService, { target: master.grpcAddress });
    try {
      for (let start = 0; start < AGENTS; start += AT_ONCE) {
        const register = (index: number) =>
          agents.registerAgent({
            nodeId: `node-${index}`,
            ip: `10.7.${index >> 8}.${index & 255}`,
            networkConfig: undefined,
            attributes: {},
          });
        await Promise.all(Array.from({ length: AT_ONCE }, (_, offset) => register(start + offset)));
      }
      await expect(operator.getState({})).rejects.toMatchObject({ code: 'failed_precondition' });
      const run = await runOverlayctl(['--master', master.grpcAddress, '--timeout', '30', 'state']);
      expect(run).toMatchObject({ exitCode: 0, stderr: '' });
      expect(run.stdout).toContain(`${AGENTS}, 0 connected`);
    } finally {
      agents.close();
      operator.close();
      await master.close();
    }
  }, 120_000);
});

describe('overlayctl with a master that is cut off from the log', () => {
  it('warns, and answers all the same', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'overlayctl-stale-'));
    const path = join(folder, 'master.sock');
    const service = implementService(
      NetworkServiceService,
      {
        async listNetworks(_request, call) {
          call.sendHeader('overlay-stale', 'log: etcd cannot be reached');
          return { networks: [], nextPageToken: '' };
        },
      },
      () => undefined,
    );
    const server = await startRpcServer({
      listen: { key: 'test', address: { kind: 'unix', path } },
      services: [service],
      onInternalError: () => undefined,
    });
    try {
      const run = await runOverlayctl(['--master', `unix:${path}`, '--json', 'network', 'ls']);
      expect(run).toEqual({
        exitCode: 0,
        stdout: '{\n  "networks": []\n}\n',
        stderr: expect.stringContaining('may be out of date: log: etcd cannot be reached'),
      });
    } finally {
      await server.close(0);
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
