import { describe, expect, it } from '@jest/globals';
import { type Cidr, parseCidr, parseIpAddress } from '@overlay/allocation';
import { isFailure } from '@overlay/failure';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import { IpamState } from './ipam-state.js';
import { parseContainerId, parseInterfaceName } from './owner.js';
import { type AllocationRequest, planAllocation } from './plan-allocation.js';
import { planPools } from './plan-pools.js';
import { planRelease } from './plan-release.js';
import type { Plan, PoolDefinition } from './records.js';

function pool(prefixes: { subnet?: string; subnet6?: string }, networkId = 'n1'): PoolDefinition {
  const cidrs: { subnet?: Cidr; subnet6?: Cidr } = {};
  if (prefixes.subnet !== undefined) cidrs.subnet = parseCidr(prefixes.subnet);
  if (prefixes.subnet6 !== undefined) cidrs.subnet6 = parseCidr(prefixes.subnet6);
  return { networkId: parseNetworkId(networkId), network: parseNetworkName('dcos'), half: 'cni', ...cidrs };
}

function owner(containerId: string) {
  return { containerId: parseContainerId(containerId), interface: parseInterfaceName('eth0') };
}

function request(containerId: string, requestedIps: readonly string[] = []): AllocationRequest {
  return {
    network: 'dcos',
    half: 'cni',
    owner: owner(containerId),
    requestedIps: requestedIps.map(parseIpAddress),
    labels: {},
    nowMs: 1,
    bootId: 'boot',
  };
}

class Host {
  readonly state = new IpamState();

  configure(...pools: readonly PoolDefinition[]): void {
    this.#perform(planPools(this.state, pools));
  }

  add(containerId: string, requestedIps: readonly string[] = []): readonly string[] {
    const { addresses } = this.#perform(planAllocation(this.state, request(containerId, requestedIps)));
    return addresses.map(({ address }) => address);
  }

  del(containerId: string): readonly string[] {
    return this.#perform(
      planRelease(this.state, { network: 'dcos', half: 'cni', owner: owner(containerId) }),
    );
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
    expect(host.add('c')).toEqual(['9.0.1.2/27', 'fd01:b::2/81']);
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
    expect(message).toContain('the cni half of network dcos is full on this host: 29 of 29 IPv4 addresses');
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
    expect(host.add('c')).toEqual(['9.0.1.2/28']);
    host.configure(pool({ subnet: '9.0.9.0/28' }, 'n2'));
    expect(host.add('d')).toEqual(['9.0.9.2/28']);
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

  it('writes nothing when the pools are what they were', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27' }));
    expect(planPools(host.state, [pool({ subnet: '9.0.1.0/27' })]).mutations).toEqual([]);
  });

  it.each([
    ['a half given twice', [pool({ subnet: '9.0.1.0/27' }), pool({ subnet: '9.0.2.0/27' })], 'given twice'],
    ['no prefix', [pool({})], 'has no prefix'],
    ['a prefix too long', [pool({ subnet: '9.0.1.0/30' })], 'the longest prefix is /29'],
    ['an IPv6 prefix too long', [pool({ subnet6: 'fd01::/126' })], 'the longest prefix is /125'],
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
