import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readConfigFile } from './config-file.js';

describe('readConfigFile', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function file(text: string): string {
    const path = join(folder, 'config.yaml');
    writeFileSync(path, text);
    return path;
  }

  it('reads YAML and JSON alike', () => {
    const expected = {
      listen: { http: '127.0.0.1:5050' },
      overlays: [{ name: 'dcos', prefix: 26 }],
      insecure: false,
    };
    expect(readConfigFile(file(JSON.stringify(expected)))).toEqual(expected);
    const yaml =
      '# a comment\nlisten: { http: "127.0.0.1:5050" }\noverlays:\n- name: dcos\n  prefix: 26\ninsecure: false\n';
    expect(readConfigFile(file(yaml))).toEqual(expected);
    expect(readConfigFile(file(`\uFEFF${yaml}`))).toEqual(expected);
  });

  it('takes MAC and IPv6 addresses for text', () => {
    const text = 'mac: 70:B3:D5:00:00:00\nsubnet6: fd01:a::/64\nport: 12:30\n';
    expect(readConfigFile(file(text))).toEqual({
      mac: '70:B3:D5:00:00:00',
      subnet6: 'fd01:a::/64',
      port: '12:30',
    });
  });

  it.each(['', '\n', '# nothing\n', '---\n', 'null\n'])('takes %j for an empty configuration', (text) => {
    expect(readConfigFile(file(text))).toEqual({});
  });

  it.each([
    ['a broken list', 'overlays: [1, 2'],
    ['broken JSON', '{"a": 1,, }'],
    ['a key that stands twice', 'insecure: true\ninsecure: false\n'],
    ['two documents', 'a: 1\n---\nb: 2\n'],
    ['tabs for indentation', 'listen:\n\thttp: x\n'],
    [
      'aliases without end',
      `a: &a [x, x]\n${'bcdefghi'.replace(/./g, (c) => `${c}: &${c} [${`*${String.fromCharCode(c.charCodeAt(0) - 1)}, `.repeat(9)}]\n`)}`,
    ],
  ])('refuses %s and names the file', (_, text) => {
    const path = file(text);
    expect(() => readConfigFile(path)).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        message: expect.stringContaining(`${path} is neither YAML nor JSON: `),
      }),
    );
  });

  it('says where in the file it is wrong', () => {
    expect(() => readConfigFile(file('a: 1\nb: [1, 2\n'))).toThrow(/line 3, column 1/);
  });

  it('does not show the line, which may hold a password', () => {
    expect(() => readConfigFile(file('password: secret\n  x: [\n'))).toThrow(/at line 1, column 11$/);
  });

  it('names a file that cannot be read', () => {
    for (const path of [join(folder, 'missing.yaml'), folder]) {
      expect(() => readConfigFile(path)).toThrow(
        expect.objectContaining({
          code: 'invalid_argument',
          message: expect.stringContaining(`cannot read the configuration ${path}: `),
        }),
      );
    }
  });
});
