import { hostname } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { type Cidr, parseCidr, parseIpAddress } from '@overlay/allocation';
import { isFailure } from '@overlay/failure';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import { ManualHostClock } from '../manual-host-clock.js';
import { capacityOf } from './capacity.js';
import { IpamState } from './ipam-state.js';
import { parseContainerId, parseInterfaceName } from './owner.js';
import { type AllocationRequest, planAllocation } from './plan-allocation.js';
import { planPools } from './plan-pools.js';
import { planRelease } from './plan-release.js';
import { planReservation } from './plan-reservation.js';
import type { Plan, PoolDefinition } from './records.js';
import { parseReservationName } from './reservation.js';

function pool(prefixes: { subnet?: string; subnet6?: string }, networkId = 'n1'): PoolDefinition {
  const cidrs: { subnet?: Cidr; subnet6?: Cidr } = {};
  if (prefixes.subnet !== undefined) cidrs.subnet = parseCidr(prefixes.subnet);
  if (prefixes.subnet6 !== undefined) cidrs.subnet6 = parseCidr(prefixes.subnet6);
  return { networkId: parseNetworkId(networkId), network: parseNetworkName('dcos'), half: 'cni', ...cidrs };
}

function owner(containerId: string) {
  return { containerId: parseContainerId(containerId), interface: parseInterfaceName('eth0') };
}

function request(
  containerId: string,
  requestedIps: readonly string[] = [],
  more: Partial<AllocationRequest> = {},
): AllocationRequest {
  return {
    network: 'dcos',
    half: 'cni',
    owner: owner(containerId),
    requestedIps: requestedIps.map(parseIpAddress),
    labels: {},
    nowMs: 1,
    at: new ManualHostClock().instant(),
    cooldown: COOLDOWN,
    ...more,
  };
}

const COOLDOWN = { cooldownMs: 30_000, rememberedCount: 8 };

class Host {
  readonly state = new IpamState();
  readonly clock = new ManualHostClock();

  configure(...pools: readonly PoolDefinition[]): void {
    this.#perform(planPools(this.state, pools));
  }

  add(
    containerId: string,
    requestedIps: readonly string[] = [],
    more: Partial<AllocationRequest> = {},
  ): readonly string[] {
    const wish = request(containerId, requestedIps, { at: this.clock.instant(), ...more });
    const { addresses } = this.#perform(planAllocation(this.state, wish));
    return addresses.map(({ address }) => address);
  }

  del(containerId: string): readonly string[] {
    return this.#perform(
      planRelease(this.state, {
        network: 'dcos',
        half: 'cni',
        owner: owner(containerId),
        at: this.clock.instant(),
        cooldown: COOLDOWN,
      }),
    );
  }

  reserve(name: string): void {
    const wish = {
      network: 'dcos',
      half: 'cni',
      name: parseReservationName(name),
      requestedIps: [],
    } as const;
    this.#perform(planReservation(this.state, { ...wish, at: this.clock.instant(), nowMs: 1 }));
  }

  /** The IPv4 row of the capacity. */
  capacity() {
    const moment = { at: this.clock.instant(), cooldownMs: COOLDOWN.cooldownMs };
    return capacityOf(this.state, moment)[0];
  }

  #perform<T>({ mutations, answer }: Plan<T>): T {
    for (const mutation of mutations) this.state.apply(mutation);
    return answer;
  }
}

function failureOf(run: () => unknown): { code: string; message: string } {
  try {
    run();
  } catch (error) {
    if (isFailure(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('it did not fail');
}

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

describe('what a container of an earlier boot left behind', () => {
  const netns = (id: string) => ({ networkNamespace: `/run/netns/${id}`, namespaceSeen: true });
  const holderOf = (host: Host, ip: string) =>
    host.state.holderOf(parseIpAddress(ip))?.owner.containerId as string | undefined;

  it('is taken over by who requests it, and the rest of it cools', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27', subnet6: 'fd01:b::/81' }));
    host.add('before', ['9.0.1.9'], netns('before'));
    host.clock.reboot();
    expect(host.add('after', ['9.0.1.9'], netns('after'))).toEqual(['9.0.1.9/27', 'fd01:b::3/81']);
    expect([...host.state.allocations()].map(({ owner: { containerId } }) => containerId)).toEqual(['after']);
    expect([...host.state.freed.oldestFirst()].map(({ address }) => address)).toEqual(['fd01:b::2']);
    host.del('before');
    expect(holderOf(host, '9.0.1.9')).toBe('after');
  });

  it('may be addresses of two containers', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27', subnet6: 'fd01:b::/81' }));
    host.add('one', [], netns('one'));
    host.add('two', [], netns('two'));
    host.clock.reboot();
    expect(host.add('after', ['9.0.1.2', 'fd01:b::3'], netns('after'))).toEqual([
      '9.0.1.2/27',
      'fd01:b::3/81',
    ]);
    expect([...host.state.freed.oldestFirst()].map(({ address }) => address)).toEqual([
      'fd01:b::2',
      '9.0.1.3',
    ]);
  });

  it('stays with a container that came again, with a framework, and within a boot', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27' }));
    host.add('framework', ['9.0.1.7']);
    host.add('again', ['9.0.1.8'], netns('again'));
    expect(failureOf(() => host.add('b', ['9.0.1.8'], netns('b'))).code).toBe('already_exists');
    host.clock.reboot();
    host.add('again', [], netns('again2'));
    for (const ip of ['9.0.1.7', '9.0.1.8'])
      expect(failureOf(() => host.add('b', [ip], netns('b'))).code).toBe('already_exists');
    expect([holderOf(host, '9.0.1.7'), holderOf(host, '9.0.1.8')]).toEqual(['framework', 'again']);
  });
});

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
      'overlaps the cni half of network dcos',
    ],
  ])('refuses %s', (_case, pools, words) => {
    const host = new Host();
    const { code, message } = failureOf(() => host.configure(...pools));
    expect(code).toBe('invalid_argument');
    expect(message).toContain(words);
    expect(host.state.pools()).toEqual([]);
  });
});
