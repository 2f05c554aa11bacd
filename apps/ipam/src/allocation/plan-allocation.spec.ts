import { hostname } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { parseNetworkName } from '@overlay/model';
import { failureOf, Host, pool, request } from './host-under-test.js';
import { planAllocation } from './plan-allocation.js';

describe('planAllocation', () => {
  it('gives the lowest free address of each family, after network and gateway', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27', subnet6: 'fd01:b::/81' }));
    expect(host.add('a')).toEqual(['9.0.1.2/27', 'fd01:b::2/81']);
    expect(host.add('b')).toEqual(['9.0.1.3/27', 'fd01:b::3/81']);
    host.del('a');
    expect(host.add('c')).toEqual(['9.0.1.4/27', 'fd01:b::4/81']);
  });

  it('gives the same addresses when repeated, and writes nothing then', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27' }));
    const first = host.add('a');
    expect(planAllocation(host.state, request('a')).mutations).toEqual([]);
    expect(host.add('a')).toEqual(first);
  });

  it('keeps the address and tells the new labels when repeated with others', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27' }));
    const first = host.add('a', [], { labels: { app: 'web', tier: 'front' } });
    const repeated = (labels: Record<string, string>) =>
      planAllocation(host.state, request('a', [], { labels })).mutations;
    expect(repeated({ tier: 'front', app: 'web' })).toEqual([]);
    for (const labels of [{ app: 'web', tier: 'back' }, { app: 'web' }, { app: 'web', toString: 'front' }]) {
      expect(repeated(labels)).toEqual([
        { kind: 'put_allocation', record: expect.objectContaining({ labels }) },
      ]);
    }
    expect(host.add('a', [], { labels: { app: 'api' } })).toEqual(first);
    expect([...host.state.allocations()]).toMatchObject([{ labels: { app: 'api' } }]);
  });

  it('fills a half to the last address and then says how full it is', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27' }));
    const given = Array.from({ length: 29 }, (_, at) => host.add(`c${at}`)[0]);
    expect(new Set(given).size).toBe(29);
    expect(given.at(-1)).toBe('9.0.1.30/27');
    const { code, message } = failureOf(() => host.add('late'));
    expect(code).toBe('resource_exhausted');
    expect(message).toContain(
      `the cni half of network dcos is full on host ${hostname()}: 29 of 29 IPv4 addresses`,
    );
  });

  it('calls a pool a shared block where it is one', () => {
    const host = new Host();
    host.configure({ ...pool({ subnet: '9.0.1.0/29' }), shared: true });
    for (const id of ['a', 'b', 'c', 'd', 'e']) host.add(id);
    expect(failureOf(() => host.add('late')).message).toMatch(
      /^the shared block of network dcos is full on host .*: 5 of 5 IPv4 addresses of 9\.0\.1\.0\/29 are used/,
    );
    expect(failureOf(() => host.add('a', ['9.0.2.1'])).message).toContain(
      'it lies outside; the shared block of network dcos is 9.0.1.0/29',
    );
  });

  it('gives requested addresses', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27', subnet6: 'fd01:b::/81' }));
    expect(host.add('a', ['9.0.1.9'])).toEqual(['9.0.1.9/27', 'fd01:b::2/81']);
    expect(host.add('a', ['9.0.1.9'])).toEqual(['9.0.1.9/27', 'fd01:b::2/81']);
    expect(failureOf(() => host.add('b', ['9.0.1.9']))).toEqual({
      code: 'already_exists',
      message: 'requested address 9.0.1.9 of network dcos is held by container a interface eth0',
    });
    expect(failureOf(() => host.add('a', ['9.0.1.8'])).code).toBe('already_exists');
  });

  it.each([
    ['9.0.1.0', "it is the network's own address"],
    ['9.0.1.1', 'it is the gateway'],
    ['9.0.1.31', 'it is the broadcast address'],
    ['9.0.1.32', 'it lies outside'],
    ['fd01::5', 'the network has no IPv6 here'],
  ])('refuses the requested address %s: %s', (address, reason) => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27' }));
    const { code, message } = failureOf(() => host.add('a', [address]));
    expect(code).toBe('invalid_argument');
    expect(message).toBe(
      `requested address ${address}: ${reason}; the cni half of network dcos is 9.0.1.0/27`,
    );
    expect([...host.state.allocations()]).toEqual([]);
  });

  it('refuses two requested addresses of one family', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27' }));
    expect(failureOf(() => host.add('a', ['9.0.1.3', '9.0.1.4'])).code).toBe('invalid_argument');
  });

  it('names the networks of the host when asked for another', () => {
    const host = new Host();
    expect(failureOf(() => host.add('a')).message).toContain('this host has no network yet');
    host.configure({ ...pool({ subnet: '9.0.1.0/27' }), network: parseNetworkName('other') });
    const { code, message } = failureOf(() => host.add('a'));
    expect(code).toBe('not_found');
    expect(message).toContain('this host has other (cni half)');
  });
});
