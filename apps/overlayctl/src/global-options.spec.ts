import { describe, expect, it } from '@jest/globals';
import { readGlobalOptions, readTarget } from './global-options.js';

describe('readGlobalOptions', () => {
  it('has defaults', () => {
    const expected = { master: '127.0.0.1:5060', json: false, timeoutMs: 10_000, tls: undefined };
    expect(readGlobalOptions({}, {})).toEqual(expected);
    expect(readGlobalOptions({}, { OVERLAY_MASTER: '' })).toEqual(expected);
  });

  it('takes the master from the flag, then from the environment', () => {
    const environment = { OVERLAY_MASTER: '[fd00::1]:5061' };
    expect(readGlobalOptions({}, environment).master).toBe('[fd00::1]:5061');
    expect(readGlobalOptions({ master: 'm1.example:5060' }, environment).master).toBe('m1.example:5060');
    expect(readGlobalOptions({ master: 'm1.example:5060' }, { OVERLAY_MASTER: 'junk' }).master).toBe(
      'm1.example:5060',
    );
  });

  it('reads seconds', () => {
    expect(readGlobalOptions({ timeout: '2.5' }, {}).timeoutMs).toBe(2_500);
    for (const timeout of ['0', '-1', '1e3', '', '3601', '2s']) {
      expect(() => readGlobalOptions({ timeout }, {})).toThrow('--timeout');
    }
  });

  it('takes the TLS files together or not at all', () => {
    const files = { tlsCa: 'ca.pem', tlsCert: 'cert.pem', tlsKey: 'key.pem' };
    expect(readGlobalOptions(files, {}).tls).toEqual({ ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' });
    expect(() => readGlobalOptions({ tlsCa: 'ca.pem' }, {})).toThrow(/--tls-cert.*\n.*--tls-key/);
  });
});

describe('readTarget', () => {
  it('knows host and port, IPv6 and unix sockets', () => {
    expect(readTarget('--x', 'unix:/run/a.sock')).toBe('unix:/run/a.sock');
    expect(readTarget('--x', '[FD00::0:1]:99')).toBe('[fd00::1]:99');
    for (const text of ['', 'host', 'host:0', 'host:65536', 'unix:a.sock', 'dns:///host:1', 'fd00::1:99']) {
      expect(() => readTarget('--x', text)).toThrow(`--x: "${text}" is no address`);
    }
  });
});
