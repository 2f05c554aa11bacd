import { describe, expect, it } from '@jest/globals';
import { parseIpAddress } from '@overlay/allocation';
import { resolveUnderlayAddress } from './underlay-address.js';

const master = { host: '10.0.0.1', port: 5060 };

describe('resolveUnderlayAddress', () => {
  it('prefers the configured address', async () => {
    const configured = parseIpAddress('10.0.0.9');
    const source = async () => '10.0.0.7';
    expect(await resolveUnderlayAddress(configured, master, source)).toBe('10.0.0.9');
  });

  it('takes the source address of the route towards the master', async () => {
    const source = async (host: string, port: number) => {
      expect([host, port]).toStrictEqual(['10.0.0.1', 5060]);
      return '10.0.0.7';
    };
    expect(await resolveUnderlayAddress(undefined, master, source)).toBe('10.0.0.7');
  });

  it.each(['127.0.0.1', 'localhost', '::1'])('needs an address with master %s', async (host) => {
    const source = async () => '127.0.0.1';
    const resolved = resolveUnderlayAddress(undefined, { host, port: 5060 }, source);
    await expect(resolved).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('needs an address where the name leads to this host', async () => {
    const resolved = resolveUnderlayAddress(undefined, { host: 'm', port: 5060 }, async () => '127.0.0.1');
    await expect(resolved).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('is unavailable without a route', async () => {
    const source = async () => {
      throw new Error('connect ENETUNREACH');
    };
    const resolved = resolveUnderlayAddress(undefined, master, source);
    await expect(resolved).rejects.toMatchObject({ code: 'unavailable' });
  });
});
