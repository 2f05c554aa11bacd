import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApplyHostRequest, DataplaneServiceService, GetStatusResponse } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { implementService, type RpcServer, startRpcServer } from '@overlay/rpc';
import { systemClock } from '@overlay/service';
import { type DataplaneLink, dataplaneDeadlines, grpcDataplane } from './dataplane-link.js';

describe('dataplaneDeadlines', () => {
  it.each([100, 1_000, 15_000])('leave room for the largest kernels where a command may take %i ms', (ms) => {
    expect(dataplaneDeadlines(ms)).toEqual({ kernelMs: 600_000, statusMs: 4 * ms });
  });

  it('leave room for commands that may take an hour', () => {
    expect(dataplaneDeadlines(3_600_000).kernelMs).toBeGreaterThan(13 * 3_600_000);
  });
});

describe('grpcDataplane', () => {
  const WORK_MS = 300;
  const { signal } = new AbortController();
  const description = ApplyHostRequest.create();
  let folder: string;
  let server: RpcServer;
  let dataplane: DataplaneLink;

  /** A dataplane that has to work for each answer, behind a socket of its own. */
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-dataplane-'));
    const path = join(folder, 'dataplane.sock');
    const worked = async <T>(answer: T) => {
      await systemClock.sleep(WORK_MS);
      return answer;
    };
    const onInternalError = () => undefined;
    const service = implementService(
      DataplaneServiceService,
      {
        applyHost: () => worked({ networks: [], written: 1n }),
        removeNetwork: () => worked({ removed: 1n }),
        getStatus: () => worked(GetStatusResponse.create()),
        applyPeers: () => Promise.reject(new OverlayError('unimplemented', 'no peers')),
        purge: () => Promise.reject(new OverlayError('unimplemented', 'no purge')),
      },
      onInternalError,
    );
    const listen = { key: 'listen', address: { kind: 'unix', path } } as const;
    server = await startRpcServer({ listen, services: [service], onInternalError });
    dataplane = grpcDataplane(path, { kernelMs: 60_000, statusMs: WORK_MS / 3 });
  });

  afterEach(async () => {
    dataplane.close();
    await server.close(0);
    rmSync(folder, { recursive: true });
  });

  it('waits longer for work on the kernel than for the status', async () => {
    const answers = await Promise.allSettled([
      dataplane.applyHost(description, signal),
      dataplane.removeNetwork('n1', signal),
      dataplane.getStatus(signal),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  });

  it('gives up at once when it is told to', async () => {
    const stop = new AbortController();
    const startedMs = systemClock.monotonicMs();
    const calls = [dataplane.applyHost(description, stop.signal), dataplane.removeNetwork('n1', stop.signal)];
    await systemClock.sleep(WORK_MS / 6);
    stop.abort();
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'aborted' });
    expect(systemClock.monotonicMs() - startedMs).toBeLessThan(WORK_MS);
  });
});
