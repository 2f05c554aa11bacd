import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { NetworkStatus } from '@overlay/contracts';
import { exampleNetwork, exampleRegistration } from '../configuration/example-registration.js';
import { AssignmentFile } from './assignment-file.js';
import { sameRegistration } from './same-registration.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlay-assignment-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const registration = exampleRegistration([exampleNetwork('dcos', 0)]);

describe('AssignmentFile', () => {
  it('is empty at first and gives back what was written', async () => {
    const file = new AssignmentFile(folder);
    expect(await file.read()).toBeUndefined();
    await file.write(registration);
    expect(await new AssignmentFile(folder).read()).toStrictEqual(registration);
  });

  it.each(['', '{', '[]', 'null', '{}', '{"assignment":null}', '\u0000'])(
    'tells that %j is no assignment',
    async (content) => {
      writeFileSync(join(folder, 'assignment.json'), content);
      await expect(new AssignmentFile(folder).read()).rejects.toMatchObject({ code: 'data_loss' });
    },
  );
});

describe('sameRegistration', () => {
  it('does not mind revision and echoed states', () => {
    const echoed = exampleNetwork('dcos', 0);
    echoed.state = { status: NetworkStatus.OK, error: '' };
    const again = { ...exampleRegistration([echoed]), revision: 99n };
    expect(sameRegistration(registration, again)).toBe(true);
  });

  it('sees another block and another network', () => {
    expect(sameRegistration(registration, exampleRegistration([exampleNetwork('dcos', 1)]))).toBe(false);
    expect(sameRegistration(registration, exampleRegistration([]))).toBe(false);
  });
});
