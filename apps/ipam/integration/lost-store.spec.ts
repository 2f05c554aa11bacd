import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runOrFail } from '@overlay/testbed';
import { IpamDaemon } from './ipam-daemon.js';

const TIMEOUT_MS = 60_000;

/** Runs in the thread of the store: lets it die, or hang in the kernel as on a disk that does not answer. */
const TROUBLE = `
const { isMainThread } = require('node:worker_threads');
const { existsSync, readFileSync } = require('node:fs');
if (!isMainThread) {
  setInterval(() => {
    if (existsSync(__dirname + '/die')) throw new Error('out of order');
    if (existsSync(__dirname + '/hang')) readFileSync(__dirname + '/pipe');
  }, 10);
}
`;

describe('overlay-ipam that lost its store', () => {
  let daemon: IpamDaemon;

  beforeEach(async () => {
    daemon = new IpamDaemon();
    const trouble = join(daemon.folder, 'trouble.cjs');
    writeFileSync(trouble, TROUBLE);
    await daemon.process.start({ env: { NODE_OPTIONS: `--require=${trouble}` } });
    await daemon.configure('9.0.1.0/27');
    await daemon.plugin({ command: 'ADD', containerId: 'before' });
  }, TIMEOUT_MS);

  afterEach(() => daemon.remove(), TIMEOUT_MS);

  it(
    'ends with the reason, and has what was durable at its next start',
    async () => {
      writeFileSync(join(daemon.folder, 'die'), '');
      expect(await daemon.process.waitExit(10_000)).toEqual({ exitCode: 1, signal: null });
      expect(daemon.process.logTail(1)).toMatch(
        /^overlay-ipam: the thread of the store ended \(out of order\): .* at the next start$/,
      );
      await daemon.process.start();
      expect([...(await daemon.held()).keys()]).toEqual(['before']);
    },
    TIMEOUT_MS,
  );

  it(
    'ends in bounded time though its disk does not answer',
    async () => {
      await runOrFail(['mkfifo', join(daemon.folder, 'pipe')]);
      writeFileSync(join(daemon.folder, 'hang'), '');
      const added = daemon.plugin({ command: 'ADD', containerId: 'lost' });
      daemon.process.signal('SIGTERM');
      expect(await daemon.process.waitExit(20_000)).toEqual({ exitCode: null, signal: 'SIGKILL' });
      expect(daemon.process.logTail(1)).toBe(
        'overlay-ipam: killed: it did not end in order within 15000 ms after: SIGTERM',
      );
      expect((await added).exitCode).toBe(1);
    },
    TIMEOUT_MS,
  );
});
