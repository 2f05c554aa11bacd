import { describe, expect, it } from '@jest/globals';
import { parseNetworkName } from '@overlay/model';
import { failureOf, Host, pool } from './host-under-test.js';
import { planPools } from './plan-pools.js';

describe('a change of pools', () => {
  it('keeps allocations of a pool that goes listed until they are released', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27' }));
    host.add('a');
    host.configure();
    expect([...host.state.allocations()]).toHaveLength(1);
    expect(host.del('a')).toEqual(['9.0.1.2']);
    expect([...host.state.allocations()]).toEqual([]);
  });

  it('lets old allocations block equal addresses of the new pool and no others', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27' }));
    host.add('a', ['9.0.1.2']);
    host.configure(pool({ subnet: '9.0.1.0/28' }, 'n2'));
    expect(host.add('b')).toEqual(['9.0.1.3/28']);
    host.del('a');
    expect(host.add('c')).toEqual(['9.0.1.4/28']);
    expect(host.add('d', ['9.0.1.2'])).toEqual(['9.0.1.2/28']);
    host.configure(pool({ subnet: '9.0.9.0/28' }, 'n2'));
    expect(host.add('e')).toEqual(['9.0.9.2/28']);
  });

  it('exchanges an address that lies outside when the container is added again', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27' }));
    host.add('a');
    host.configure(pool({ subnet: '9.0.9.0/27', subnet6: 'fd01:b::/81' }));
    expect(host.add('a')).toEqual(['9.0.9.2/27', 'fd01:b::2/81']);
    expect([...host.state.allocations()]).toHaveLength(1);
  });

  it('adds the family that a pool gained to an owner that asks again', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27' }));
    host.add('a');
    host.configure(pool({ subnet: '9.0.1.0/27', subnet6: 'fd01:b::/81' }));
    expect(host.add('a')).toEqual(['9.0.1.2/27', 'fd01:b::2/81']);
  });

  describe('with reservations', () => {
    const SUBNET = '9.0.1.0/29';
    const names = (host: Host) => [...host.state.reservations()].map(({ name }) => name as string);

    function withReservation(): Host {
      const host = new Host();
      host.configure(pool({ subnet: SUBNET }));
      host.reserve('db');
      return host;
    }

    it('keeps them while their network goes and comes back', () => {
      const host = withReservation();
      host.configure();
      host.configure({ ...pool({ subnet: '9.0.9.0/29' }, 'n2'), network: parseNetworkName('other') });
      host.configure(pool({ subnet: SUBNET }));
      expect(names(host)).toEqual(['db']);
      expect(host.add('a')).toEqual(['9.0.1.3/29']);
    });

    it.each([
      ['another network of the name', pool({ subnet: '9.0.9.0/29' }, 'n2')],
      [
        'another network with the block',
        { ...pool({ subnet: SUBNET }, 'n2'), network: parseNetworkName('other') },
      ],
    ])('ends them when %s comes, and what a container holds stays', (_case, successor) => {
      const host = withReservation();
      host.add('a', ['9.0.1.2']);
      host.configure(successor);
      expect(names(host)).toEqual([]);
      expect([...host.state.allocations()]).toHaveLength(1);
      expect(host.del('a')).toEqual(['9.0.1.2']);
      host.configure(pool({ subnet: SUBNET }));
      expect([host.capacity()?.reserved, host.capacity()?.used]).toEqual([0n, 0n]);
    });

    it('gives the new network every address of the block', () => {
      const host = withReservation();
      host.configure(pool({ subnet: SUBNET }, 'n2'));
      expect(['a', 'b', 'c', 'd', 'e'].map((id) => host.add(id)[0])).toContain('9.0.1.2/29');
    });

    it('ends those that outlived their network before', () => {
      const host = withReservation();
      host.state.apply({ kind: 'replace_pools', pools: [pool({ subnet: SUBNET }, 'n2')] });
      expect(names(host)).toEqual(['db']);
      host.configure(pool({ subnet: SUBNET }, 'n2'));
      expect(names(host)).toEqual([]);
    });
  });

  it('writes nothing when the pools are what they were', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27' }));
    expect(planPools(host.state, [pool({ subnet: '9.0.1.0/27' })]).mutations).toEqual([]);
  });

  it('serves halves of the longest blocks: one container with IPv4, two with IPv6 alone', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.4/30' }));
    expect(host.add('a')).toEqual(['9.0.1.6/30']);
    expect(failureOf(() => host.add('b')).code).toBe('resource_exhausted');
    host.configure(pool({ subnet6: 'fd01:b::4/126' }, 'n2'));
    expect([host.add('c'), host.add('d')]).toEqual([['fd01:b::6/126'], ['fd01:b::7/126']]);
    expect(failureOf(() => host.add('e')).code).toBe('resource_exhausted');
  });

  it.each([
    ['a half given twice', [pool({ subnet: '9.0.1.0/27' }), pool({ subnet: '9.0.2.0/27' })], 'given twice'],
    ['no prefix', [pool({})], 'has no prefix'],
    ['a prefix too long', [pool({ subnet: '9.0.1.0/31' })], 'the longest prefix is /30'],
    ['an IPv6 prefix too long', [pool({ subnet6: 'fd01::/127' })], 'the longest prefix is /126'],
    ['a wrong family', [pool({ subnet: 'fd01::/64' })], 'give an IPv4 prefix'],
    [
      'an overlap',
      [pool({ subnet: '9.0.0.0/16' }), { ...pool({ subnet: '9.0.1.0/27' }), half: 'docker' as const }],
      '9.0.1.0/27 of the docker half of network dcos overlaps 9.0.0.0/16 of the cni half of network dcos',
    ],
  ])('refuses %s', (_case, pools, words) => {
    const host = new Host();
    const { code, message } = failureOf(() => host.configure(...pools));
    expect(code).toBe('invalid_argument');
    expect(message).toContain(words);
    expect(host.state.pools()).toEqual([]);
  });

  it('judges as many pools as a message can have', () => {
    const pools = Array.from({ length: 50_000 }, (_, at) => {
      const subnet = `9.${at >> 11}.${(at >> 3) & 255}.${(at & 7) << 5}/27`;
      return { ...pool({ subnet }), network: parseNetworkName(`n${at}`) };
    });
    const { message } = failureOf(() =>
      planPools(new Host().state, [...pools, pool({ subnet: '9.3.0.32/28' })]),
    );
    expect(message).toContain(
      'pools[50000].subnet: 9.3.0.32/28 of the cni half of network dcos overlaps 9.3.0.32/27 of the cni half of network n6145',
    );
    expect(message).not.toContain('pools[49999]');
  });
});
