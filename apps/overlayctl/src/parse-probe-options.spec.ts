import { describe, expect, it } from '@jest/globals';
import { parseProbeOptions } from './parse-probe-options.js';

describe('parseProbeOptions', () => {
  it('reads each kind of probe', () => {
    expect(parseProbeOptions({ tcp: '80' }, [])).toEqual({
      probe: { $case: 'tcp', value: { port: 80 } },
      timeoutMs: 5_000,
      agentIp: '',
    });
    expect(parseProbeOptions({ grpc: '50051', service: 'shop', within: '2' }, [])).toMatchObject({
      probe: { $case: 'grpc', value: { port: 50_051, service: 'shop' } },
      timeoutMs: 2_000,
    });
    expect(parseProbeOptions({ http: '443', https: true, path: '/ok', status: '204' }, [])).toMatchObject({
      probe: { $case: 'http', value: { port: 443, path: '/ok', tls: true, expectedStatus: 204 } },
    });
    expect(parseProbeOptions({ exec: true, agent: '10.0.0.1' }, ['test', '-f', '/ok'])).toEqual({
      probe: { $case: 'command', value: { argv: ['test', '-f', '/ok'] } },
      timeoutMs: 5_000,
      agentIp: '10.0.0.1',
    });
  });

  it.each([
    [{}, [], 'choose one'],
    [{ tcp: '80', http: '80' }, [], 'choose one'],
    [{ tcp: 'http' }, [], '--tcp: "http" is not a number from 1 to 65535'],
    [{ tcp: '70000' }, [], '--tcp'],
    [{ tcp: '80', within: '0' }, [], '--within'],
    [{ exec: true }, [], '--exec needs a command'],
    [{ tcp: '80' }, ['true'], 'a command needs --exec'],
    [{ tcp: '80', contains: 'ok' }, [], '--contains: belongs to --http PORT'],
    [{ grpc: '80', path: '/' }, [], '--path: belongs to --http PORT'],
    [{ exec: true, https: true }, ['true'], '--https: belongs to --http PORT'],
    [{ http: '80', service: 'shop' }, [], '--service: belongs to --grpc PORT'],
    [{ tcp: '80', status: '204' }, [], '--status: belongs to --http PORT'],
  ])('refuses %j %j', (typed, argv, message) => {
    expect(() => parseProbeOptions(typed, argv)).toThrow(message);
  });
});
