import { describe, expect, it } from '@jest/globals';

import { failureOf, Host, pool } from './host-under-test.js';

describe('addresses that were given back', () => {
  it('come last, the oldest first', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/29' }));
    for (const id of ['a', 'b', 'c']) host.add(id);
    for (const id of ['b', 'c', 'a']) host.del(id);
    const given = ['d', 'e', 'f', 'g', 'h'].map((id) => host.add(id)[0]);
    expect(given).toEqual(['9.0.1.5/29', '9.0.1.6/29', '9.0.1.3/29', '9.0.1.4/29', '9.0.1.2/29']);
    expect(failureOf(() => host.add('i')).message).toContain('5 of 5 IPv4 addresses');
  });

  it('cool, and are given out nevertheless when nothing else is left', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/29' }));
    for (const id of ['a', 'b', 'c', 'd', 'e']) host.add(id);
    expect(host.capacity()).toMatchObject({ total: 5n, used: 5n, cooling: 0n, free: 0n });
    expect(host.capacity()?.exhaustedSinceMs).toBe(1);
    host.del('d');
    host.clock.pass(20_000);
    host.del('b');
    expect(host.capacity()).toMatchObject({ used: 3n, cooling: 2n, free: 0n });
    expect(host.capacity()?.exhaustedSinceMs).toBeUndefined();
    host.clock.pass(10_000);
    expect(host.capacity()).toMatchObject({ used: 3n, cooling: 1n, free: 1n });
    expect(host.add('f')).toEqual(['9.0.1.5/29']);
    expect(host.capacity()).toMatchObject({ used: 4n, cooling: 1n, free: 0n });
    expect(host.add('g')).toEqual(['9.0.1.3/29']);
    expect(host.capacity()).toMatchObject({ used: 5n, cooling: 0n, free: 0n });
  });

  it('are not cooled by a wall clock that jumps', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/29' }));
    host.add('a');
    host.del('a');
    host.clock.wallMs += 3_600_000;
    expect(host.capacity()).toMatchObject({ cooling: 1n, free: 4n });
  });

  it('are given to who requests them', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/29' }));
    host.add('a');
    host.del('a');
    expect(host.add('b', ['9.0.1.2'])).toEqual(['9.0.1.2/29']);
    expect(host.state.freed.count).toBe(0);
  });

  it('are forgotten beyond the bound once they have cooled, and then count as never used', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27' }));
    for (let number = 0; number < 12; number += 1) host.add(`c${number}`);
    for (let number = 0; number < 11; number += 1) host.del(`c${number}`);
    expect(host.state.freed.count).toBe(11);
    host.clock.pass(30_000);
    host.del('c11');
    expect(host.state.freed.count).toBe(10);
    expect(host.add('next')).toEqual(['9.0.1.2/27']);
    expect(host.add('then')).toEqual(['9.0.1.3/27']);
    expect(host.add('after')).toEqual(['9.0.1.14/27']);
  });

  it('keep their order when pools change', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/29' }));
    for (const id of ['a', 'b', 'c', 'd', 'e']) host.add(id);
    for (const id of ['c', 'a']) host.del(id);
    host.configure();
    host.configure(pool({ subnet: '9.0.1.0/29' }));
    expect([host.add('f'), host.add('g')]).toEqual([['9.0.1.4/29'], ['9.0.1.2/29']]);
  });
});
