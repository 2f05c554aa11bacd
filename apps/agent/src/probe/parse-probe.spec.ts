import { describe, expect, it } from '@jest/globals';
import { ProbeContainerRequest } from '@overlay/contracts';
import { parseProbe } from './parse-probe.js';

const parse = (request: Partial<ProbeContainerRequest>) =>
  parseProbe(ProbeContainerRequest.fromPartial({ container: 'c1', ...request }));

describe('parseProbe', () => {
  it('fills defaults in', () => {
    expect(parse({ probe: { $case: 'tcp', value: { port: 80 } } })).toEqual({
      container: 'c1',
      probe: { kind: 'tcp', port: 80 },
      timeoutMs: 5_000,
    });
    const http = { port: 80, path: '', tls: false, expectedStatus: 0, bodyContains: '' };
    expect(parse({ probe: { $case: 'http', value: http } }).probe).toEqual({
      kind: 'http',
      port: 80,
      path: '/',
      tls: false,
      bodyContains: '',
    });
  });

  it('names every wrong field at once', () => {
    const http = { port: 0, path: 'x y', tls: false, expectedStatus: 42, bodyContains: '' };
    expect(() => parse({ container: '', timeoutMs: 60_001, probe: { $case: 'http', value: http } })).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        violations: [
          expect.objectContaining({ field: 'container' }),
          expect.objectContaining({ field: 'timeout_ms' }),
          expect.objectContaining({ field: 'http.port' }),
          expect.objectContaining({ field: 'http.path' }),
          expect.objectContaining({ field: 'http.expected_status' }),
        ],
      }),
    );
  });

  it.each(['/a\r\nHost: b', '/ä', 'http://elsewhere/', '/a b'])('refuses the path %j', (path) => {
    const http = { port: 80, path, tls: false, expectedStatus: 0, bodyContains: '' };
    expect(() => parse({ probe: { $case: 'http', value: http } })).toThrow('http.path');
  });

  it('needs a probe, a program, and arguments that a program can get', () => {
    expect(() => parse({})).toThrow('probe: is missing: set one of tcp, http, grpc and command');
    expect(() => parse({ probe: { $case: 'command', value: { argv: [] } } })).toThrow('command.argv');
    expect(() => parse({ probe: { $case: 'command', value: { argv: ['a', 'b\0'] } } })).toThrow(
      'command.argv[1]: holds a zero byte',
    );
  });
});
