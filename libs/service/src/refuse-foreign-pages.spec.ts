import { describe, expect, it } from '@jest/globals';
import { refuseForeignPages } from './refuse-foreign-pages.js';

const ask = (method: string, origin: string | undefined, host: string) => () =>
  refuseForeignPages({ method, headers: { host, ...(origin === undefined ? {} : { origin }) } });

describe('refuseForeignPages', () => {
  it.each([
    ['a program', undefined, 'master.example:5050'],
    ['a page of the address', 'http://10.0.0.1:5050', '10.0.0.1:5050'],
    ['a page of an IPv6 address', 'https://[fd00::1]:5050', '[fd00::1]:5050'],
    ['a page of localhost', 'http://localhost:5050', 'localhost:5050'],
  ])('lets %s send anything', (_who, origin, host) => {
    expect(ask('POST', origin, host)).not.toThrow();
  });

  it.each([
    ['another site', 'http://evil.example', '10.0.0.1:5050'],
    ['another port', 'http://10.0.0.1:8080', '10.0.0.1:5050'],
    ['a name that was pointed here', 'http://evil.example:5050', 'evil.example:5050'],
    ['a name that looks like an address', 'http://10.0.0.1.evil.example', '10.0.0.1.evil.example'],
    ['a file or a sandbox', 'null', '10.0.0.1:5050'],
    ['no site', '', ''],
  ])('lets a page of %s read, and do nothing else', (_whose, origin, host) => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      expect(ask(method, origin, host)).toThrow(
        expect.objectContaining({
          code: 'permission_denied',
          message: expect.stringContaining('IP address'),
        }),
      );
    }
    expect(ask('GET', origin, host)).not.toThrow();
    expect(ask('HEAD', origin, host)).not.toThrow();
  });
});
