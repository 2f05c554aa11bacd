import { appendFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AllocationHalf } from '@overlay/contracts';
import { runCommand, runOrFail } from '@overlay/testbed';
import { IpamDaemon, NETWORK } from './ipam-daemon.js';

const TIMEOUT_MS = 120_000;

describe('with the state folder on a disk that is full', () => {
  let mount: string;
  let daemon: IpamDaemon;

  beforeEach(async () => {
    mount = mkdtempSync(join(tmpdir(), 'overlay-ipam-disk-'));
    await runOrFail(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'overlay-ipam-test', mount]);
    mkdirSync(join(mount, 'state'));
    daemon = new IpamDaemon(join(mount, 'state'));
  }, TIMEOUT_MS);

  afterEach(async () => {
    await daemon.remove();
    await runCommand(['umount', mount]);
    rmSync(mount, { recursive: true });
  }, TIMEOUT_MS);

  it(
    'does not start for the first time, says why, and leaves nothing that it would not start from',
    async () => {
      fillDisk(join(mount, 'filler'));
      daemon.process.launch();
      expect(await daemon.process.waitExit(20_000)).toEqual({ exitCode: 1, signal: null });
      expect(daemon.process.logTail(1)).toMatch(/^overlay-ipam: state_dir: .* cannot be opened: ENOSPC/);
      rmSync(join(mount, 'filler'));
      await daemon.process.start();
      await daemon.configure('9.0.0.0/20');
      await daemon.process.kill();
      truncateSync(join(mount, 'state/allocations.lmdb'));
      daemon.process.launch();
      expect(await daemon.process.waitExit(20_000)).toEqual({ exitCode: 1, signal: null });
      expect(daemon.process.logTail(1)).toMatch(
        /allocations\.lmdb is damaged: it is empty, .* or move it away/,
      );
    },
    TIMEOUT_MS,
  );

  it(
    'fails allocations clearly, releases, and reloads what stood before',
    async () => {
      await daemon.process.start();
      await daemon.configure('9.0.0.0/20');
      const given = new Set<string>();
      const labels = { padding: 'x'.repeat(2000) };
      const allocate = (containerId: string) =>
        daemon.client.allocate({
          network: NETWORK,
          half: AllocationHalf.UNSPECIFIED,
          owner: { containerId, interface: 'eth0' },
          requestedIps: [],
          reservation: '',
          labels,
        });
      for (let number = 0; number < 20; number += 1) {
        await allocate(`early${number}`);
        given.add(`early${number}`);
      }
      fillDisk(join(mount, 'filler'));
      let failure: unknown;
      for (let number = 0; failure === undefined && number < 400; number += 1) {
        await allocate(`c${number}`).then(
          () => given.add(`c${number}`),
          (error: unknown) => {
            failure = error;
          },
        );
      }
      expect(failure).toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('cannot be written'),
      });
      expect(new Set((await daemon.held()).keys())).toEqual(given);

      for (const containerId of [...given].slice(0, 10)) {
        const owner = { containerId, interface: 'eth0' };
        const { releasedIps } = await daemon.client.release({
          network: NETWORK,
          half: AllocationHalf.UNSPECIFIED,
          owner,
        });
        expect(releasedIps).toHaveLength(1);
        given.delete(containerId);
      }

      await daemon.process.restart();
      expect(new Set((await daemon.held()).keys())).toEqual(given);
      rmSync(join(mount, 'filler'));
      await expect(allocate('after')).resolves.toMatchObject({ allocation: { network: NETWORK } });
    },
    TIMEOUT_MS,
  );
});

/** Writes until nothing more fits. */
function fillDisk(path: string): void {
  const block = Buffer.alloc(4096, 1);
  try {
    while (true) appendFileSync(path, block);
  } catch {
    // The disk is full now, which is what this is for.
  }
}
