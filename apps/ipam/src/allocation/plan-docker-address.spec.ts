import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseCidr, parseIpAddress } from '@overlay/allocation';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import { auxiliaryContainerId } from './docker-owner.js';
import { failureOf } from './host-under-test.js';
import { IpamState } from './ipam-state.js';
import { type Owner, parseContainerId, parseInterfaceName } from './owner.js';
import { planAllocation } from './plan-allocation.js';
import {
  type DockerAddressRequest,
  planDockerAddress,
  planDockerRelease,
  requireDockerPool,
} from './plan-docker-address.js';
import { planRelease } from './plan-release.js';
import type { Plan } from './records.js';

const POOL = { network: 'dcos', prefix: parseCidr('9.0.1.0/28') };
const COOLDOWN = { cooldownMs: 0, rememberedCount: 100 };

function endpoint(name: string): Owner {
  return { containerId: parseContainerId(name), interface: parseInterfaceName('ipv4') };
}

describe('addresses that Docker takes', () => {
  let state: IpamState;
  let bootId: string;

  beforeEach(() => {
    state = new IpamState();
    bootId = 'one';
    const definition = {
      networkId: parseNetworkId('n1'),
      network: parseNetworkName('dcos'),
      half: 'cni',
      subnet: POOL.prefix,
      subnet6: parseCidr('fd01:b::/80'),
    } as const;
    state.apply({ kind: 'replace_pools', pools: [definition] });
  });

  const moment = () => ({ at: { bootId, uptimeMs: 5 }, cooldown: COOLDOWN, nowMs: 7 });

  function done<T>({ mutations, answer }: Plan<T>): T {
    for (const mutation of mutations) state.apply(mutation);
    return answer;
  }

  function take(name: string, more: Partial<DockerAddressRequest> = {}): string {
    const request = { pool: POOL, owner: endpoint(name), ...moment(), ...more };
    return done(planDockerAddress(state, request)).addresses[0]?.address ?? '';
  }

  function addContainer(containerId: string): string {
    const request = { network: 'dcos', half: 'cni', requestedIps: [], labels: {}, ...moment() } as const;
    const owner = endpoint(containerId);
    return done(planAllocation(state, { ...request, owner })).addresses[0]?.address ?? '';
  }

  const release = (ip: string) => done(planDockerRelease(state, POOL, parseIpAddress(ip), moment()));

  it("are nobody else's by the name of an endpoint, nor Docker's what has its name", () => {
    take('docker-1');
    addContainer('docker-2');
    expect(failureOf(() => addContainer('docker-1'))).toMatchObject({
      code: 'already_exists',
      message: expect.stringContaining('docker-1 interface ipv4 is an endpoint of Docker'),
    });
    const half = { network: 'dcos', half: 'cni' } as const;
    expect(done(planRelease(state, { ...half, owner: endpoint('docker-1'), ...moment() }))).toEqual([]);
    expect(failureOf(() => take('docker-2')).code).toBe('already_exists');
    const held = [...state.allocations()].map(({ owner, ownerKind }) => [owner.containerId, ownerKind]);
    expect(held).toEqual([
      ['docker-1', 'docker'],
      ['docker-2', undefined],
    ]);
  });

  it('are of one family each, and the same when a request is repeated', () => {
    expect([take('a'), take('a'), take('b')]).toEqual(['9.0.1.2/28', '9.0.1.2/28', '9.0.1.3/28']);
    const six = { network: 'dcos', prefix: parseCidr('fd01:b::/80') };
    const owner = { ...endpoint('a'), interface: parseInterfaceName('ipv6') };
    expect(take('a', { pool: six, owner })).toBe('fd01:b::2/80');
  });

  it('never are those of CNI containers, and the other way round', () => {
    expect([take('a'), addContainer('c'), take('b')]).toEqual(['9.0.1.2/28', '9.0.1.3/28', '9.0.1.4/28']);
    expect(() => take('d', { wanted: parseIpAddress('9.0.1.3') })).toThrow(
      /9\.0\.1\.3 .*held by container c/,
    );
  });

  it('go back only if Docker holds them', () => {
    take('a');
    addContainer('c');
    expect(['9.0.1.3', '9.0.1.2', '9.0.1.2', '9.0.1.9', '9.0.1.1'].map(release)).toEqual([
      false,
      true,
      false,
      false,
      false,
    ]);
    expect([...state.allocations()].map(({ owner }) => owner.containerId)).toEqual(['c']);
  });

  it('move with the endpoint that asks for another', () => {
    take('a');
    expect(take('a', { wanted: parseIpAddress('9.0.1.9') })).toBe('9.0.1.9/28');
    expect(state.holderOf(parseIpAddress('9.0.1.2'))).toBeUndefined();
  });

  it('are taken over from what Docker held before the host was started anew', () => {
    take('before');
    bootId = 'two';
    expect(take('after', { wanted: parseIpAddress('9.0.1.2') })).toBe('9.0.1.2/28');
    expect(state.holderOf(parseIpAddress('9.0.1.2'))?.owner.containerId).toBe('after');
  });

  it('are taken over by a CNI container that requests what Docker held before the host was started anew', () => {
    take('before');
    const wish = { network: 'dcos', half: 'cni', labels: {}, owner: endpoint('cni') } as const;
    const add = () =>
      done(planAllocation(state, { ...wish, requestedIps: [parseIpAddress('9.0.1.2')], ...moment() }));
    expect(add).toThrow(/held by container before/);
    bootId = 'two';
    add();
    expect(release('9.0.1.2')).toBe(false);
    expect(state.holderOf(parseIpAddress('9.0.1.2'))?.owner.containerId).toBe('cni');
  });

  it.each(['9.0.1.2', 'fd01:b::2'])(
    'stay set aside for a network when the host is started anew: %s',
    (text) => {
      const wanted = parseIpAddress(text);
      const pool = { network: 'dcos', prefix: parseCidr(text === '9.0.1.2' ? '9.0.1.0/28' : 'fd01:b::/80') };
      const owner = { ...endpoint('any'), containerId: auxiliaryContainerId(wanted) };
      const given = take('any', { pool, owner, wanted });
      bootId = 'two';
      expect(() => take('after', { pool, wanted })).toThrow(/held by container docker-/);
      expect(take('any', { pool, owner, wanted })).toBe(given);
    },
  );

  it.each([
    ['the gateway', '9.0.1.1'],
    ['the network address', '9.0.1.0'],
    ['the broadcast address', '9.0.1.15'],
    ['an address outside', '9.0.2.2'],
  ])('are never %s', (_case, ip) => {
    expect(() => take('a', { wanted: parseIpAddress(ip) })).toThrow(/^requested address/);
    expect([...state.allocations()]).toEqual([]);
  });

  it('run out with CNI containers together', () => {
    for (let number = 0; number < 13; number += 1)
      number % 2 ? take(`d${number}`) : addContainer(`c${number}`);
    expect(() => take('late')).toThrow(/13 of 13 IPv4 addresses/);
    expect(() => addContainer('late')).toThrow(/13 of 13 IPv4 addresses/);
  });

  it('are of prefixes that the host has', () => {
    const unknown = { prefix: parseCidr('10.0.0.0/24') };
    expect(() => requireDockerPool(state, unknown)).toThrow(
      /this host has 9\.0\.1\.0\/28 \(dcos\), fd01:b::\/80/,
    );
    expect(() => requireDockerPool(state, { ...POOL, network: 'other' })).toThrow(/no network of this host/);
  });
});
