import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import { lockFolder } from './folder-lock.js';

describe('lockFolder', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'overlay-lock-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  function failure(program?: string): unknown {
    try {
      lockFolder(dir, program)();
      return undefined;
    } catch (thrown) {
      return thrown;
    }
  }

  it('keeps everybody else out until it is given back', () => {
    const release = lockFolder(dir);
    const held = failure();
    expect(held).toBeInstanceOf(OverlayError);
    expect(held).toMatchObject({
      code: 'failed_precondition',
      message: expect.stringMatching(`^log\\.dir: another process uses the overlay log in ${dir}: stop`),
    });
    release();
    expect(failure()).toBeUndefined();
  });

  it('says what is missing where it cannot lock', () => {
    const program = join(dir, 'flock');
    expect(failure(program)).toMatchObject({
      code: 'failed_precondition',
      message: `log.dir: cannot lock ${dir}: there is no program ${program}; install util-linux`,
    });
    writeFileSync(program, '#!/bin/sh\necho "flock: 3: Bad file descriptor" >&2\nexit 65\n', { mode: 0o755 });
    expect(failure(program)).toMatchObject({
      message: `log.dir: cannot lock ${dir}: flock: 3: Bad file descriptor`,
    });
    rmSync(program);
    expect(failure()).toBeUndefined();
  });
});
