import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseAgentPurge, purgeAgentLeftovers } from './agent-purge.js';

describe('parseAgentPurge', () => {
  it('reads what was removed, what is left and what stays', () => {
    const text =
      'removed CNI file /a.conf\nleft Docker network dcos: it is in use\nkept /var/lib\nleftover\n';
    expect(parseAgentPurge(text)).toEqual({
      removed: ['CNI file /a.conf'],
      left: ['Docker network dcos: it is in use'],
      kept: ['/var/lib'],
    });
  });
});

describe('purgeAgentLeftovers', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'overlayctl-agent-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function program(script: string): string {
    const path = join(folder, 'overlay-agent');
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  it('hands the configuration on and takes exit code 1 with leftovers for an answer', async () => {
    const echo = program('echo "left $*"; exit 1');
    const listed = await purgeAgentLeftovers({ program: echo, config: '/a b.yaml', verify: true });
    expect(listed.left).toEqual(['--leftovers --config /a b.yaml']);
    const purged = await purgeAgentLeftovers({ program: echo, config: undefined, verify: false });
    expect(purged.left).toEqual(['--purge']);
  });

  it('tells why there is no answer', async () => {
    const options = { config: undefined, verify: true };
    const refuses = program('echo "overlay-agent: it runs" >&2; exit 1');
    await expect(purgeAgentLeftovers({ ...options, program: refuses })).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('overlay-agent: it runs'),
    });
    const missing = join(folder, 'nowhere');
    await expect(purgeAgentLeftovers({ ...options, program: missing })).rejects.toThrow('ENOENT');
  });
});
