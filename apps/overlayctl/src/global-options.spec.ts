import { describe, expect, it } from '@jest/globals';
import { overlayctlConfiguration } from '@overlay/model';
import { readGlobalOptions, readTarget, type TypedOptions } from './global-options.js';

const STANDARD = overlayctlConfiguration.defaults();

function read(typed: TypedOptions, environment: Readonly<Record<string, string>> = {}, config = STANDARD) {
  return readGlobalOptions(typed, environment, config);
}

describe('readGlobalOptions', () => {
  it('has defaults', () => {
    const expected = {
      master: '127.0.0.1:5060',
      json: false,
      timeoutMs: 10_000,
      tls: undefined,
      sockets: STANDARD.sockets,
    };
    expect(read({})).toEqual(expected);
    expect(read({}, { OVERLAY_MASTER: '' })).toEqual(expected);
  });

  it('takes the master from the flag, then from the environment', () => {
    const environment = { OVERLAY_MASTER: '[fd00::1]:5061' };
    expect(read({}, environment).master).toBe('[fd00::1]:5061');
    expect(read({ master: 'm1.example:5060' }, environment).master).toBe('m1.example:5060');
    expect(read({ master: 'm1.example:5060' }, { OVERLAY_MASTER: 'junk' }).master).toBe('m1.example:5060');
  });

  it('takes flags before the environment, and the environment before the configuration', () => {
    const tls = { ca: '/ca.pem', cert: '/cert.pem', key: '/key.pem' };
    const config = { ...STANDARD, master: 'm3:1', timeoutSeconds: 0.25, json: true, tls };
    expect(read({}, {}, config)).toMatchObject({ master: 'm3:1', timeoutMs: 250, json: true, tls });
    expect(read({}, { OVERLAY_MASTER: 'm2:1' }, config).master).toBe('m2:1');
    const typed = { master: 'm1:1', timeout: '2', json: false, tlsCa: 'other.pem' };
    expect(read(typed, { OVERLAY_MASTER: 'm2:1' }, config)).toMatchObject({
      master: 'm1:1',
      timeoutMs: 2_000,
      json: false,
      tls: { ...tls, ca: 'other.pem' },
    });
  });

  it('reads seconds', () => {
    expect(read({ timeout: '2.5' }).timeoutMs).toBe(2_500);
    for (const timeout of ['0', '-1', '1e3', '', '3601', '2s']) {
      expect(() => read({ timeout })).toThrow('--timeout');
    }
  });

  it('takes the TLS files together or not at all', () => {
    const files = { tlsCa: 'ca.pem', tlsCert: 'cert.pem', tlsKey: 'key.pem' };
    expect(read(files).tls).toEqual({ ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' });
    expect(() => read({ tlsCa: 'ca.pem' })).toThrow(/--tls-cert.*\n.*--tls-key/);
  });
});

describe('readTarget', () => {
  it('knows host and port, IPv6 and unix sockets', () => {
    expect(readTarget('--x', 'unix:/run/a.sock')).toBe('unix:/run/a.sock');
    expect(readTarget('--x', '/run/a.sock')).toBe('unix:/run/a.sock');
    expect(readTarget('--x', '[FD00::0:1]:99')).toBe('[fd00::1]:99');
    for (const text of ['', 'host', 'host:0', 'host:65536', 'unix:a.sock', 'dns:///host:1', 'fd00::1:99']) {
      expect(() => readTarget('--x', text)).toThrow(`--x: "${text}" is no address`);
    }
  });
});
