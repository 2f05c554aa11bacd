import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import { Metrics } from '@overlay/service';
import fc from 'fast-check';
import { AddressBook } from '../allocation/address-book.js';
import { createOperationMeter } from '../ipam-metrics.js';
import { ManualHostClock } from '../manual-host-clock.js';
import { MemoryAllocationStore } from '../store/memory-allocation-store.js';
import { DockerIpam } from './docker-ipam.js';

const MAC = { 'com.docker.network.endpoint.macaddress': '02:42:09:00:01:02' };
const PREFIX = '9.0.1.0/27';
const POOL = { PoolID: `dcos/${PREFIX}` };

describe("the part of Docker's IPAM protocol that needs the addresses", () => {
  let book: AddressBook;
  let clock: ManualHostClock;
  let ipam: DockerIpam;

  beforeEach(async () => {
    clock = new ManualHostClock();
    book = await AddressBook.open(new MemoryAllocationStore(), clock.instant());
    const pool = {
      networkId: parseNetworkId('n1'),
      network: parseNetworkName('dcos'),
      half: 'cni',
      subnet: parseCidr(PREFIX),
    } as const;
    await book.change(() => ({
      mutations: [{ kind: 'replace_pools', pools: [pool] }],
      answer: undefined,
    }));
    const meter = createOperationMeter(new Metrics('overlay-ipam'), () => 0);
    ipam = new DockerIpam({ book, meter, clock, cooldown: { cooldownMs: 0, rememberedCount: 100 } });
  });

  const ask = (method: string, body: unknown = {}, untilMs = Number.POSITIVE_INFINITY) =>
    ipam.answer(`IpamDriver.${method}`, body, untilMs);
  const held = () => book.read((state) => [...state.allocations()].length);

  it('gives a pool the same id each time', async () => {
    const request = { AddressSpace: 'overlay-local', Pool: PREFIX, SubPool: '', Options: null, V6: false };
    for (const _time of [1, 2]) {
      expect(await ask('RequestPool', request)).toEqual({ ...POOL, Pool: PREFIX, Data: {} });
    }
  });

  it('gives addresses, repeats them and takes them back', async () => {
    for (const _time of [1, 2]) {
      const answer = await ask('RequestAddress', { ...POOL, Address: '', Options: MAC });
      expect(answer).toEqual({ Address: '9.0.1.2/27', Data: {} });
    }
    expect(await held()).toBe(1);
    for (const _time of [1, 2]) {
      expect(await ask('ReleaseAddress', { ...POOL, Address: '9.0.1.2' })).toEqual({});
    }
    expect(await held()).toBe(0);
  });

  it('takes back what was given without an answer that came through', async () => {
    const request = { ...POOL, Address: '', Options: MAC };
    await ask('RequestAddress', request);
    for (const _time of [1, 2]) expect(await ask('ForgetAddress', request)).toEqual({});
    expect(await held()).toBe(0);
  });

  it('changes nothing that nobody waits for any more', async () => {
    const { uptimeMs } = clock.instant();
    const request = { ...POOL, Address: '', Options: MAC };
    expect(await ask('RequestAddress', request, uptimeMs)).toMatchObject({ Code: 'deadline_exceeded' });
    expect(await held()).toBe(0);
    await ask('RequestAddress', request, uptimeMs + 1);
    for (const method of ['ReleaseAddress', 'ForgetAddress']) {
      const late = await ask(method, { ...request, Address: '9.0.1.2' }, uptimeMs);
      expect(late).toMatchObject({ Code: 'deadline_exceeded' });
    }
    expect(await held()).toBe(1);
  });

  it.each<[string, string, unknown]>([
    ['a method that is unknown', 'Explode', {}],
    ['a body that is no object', 'RequestPool', 7],
    ['a body that is no JSON', 'RequestAddress', undefined],
    ['no subnet', 'RequestPool', { Pool: '' }],
    ['a subnet of somebody else', 'RequestPool', { Pool: '10.0.0.0/8' }],
    ['a subnet that is none', 'RequestPool', { Pool: 'x' }],
    ['a range in the subnet', 'RequestPool', { Pool: PREFIX, SubPool: '9.0.1.0/28' }],
    ['an address before any pool', 'RequestAddress', { PoolID: 'never/10.0.0.0/8', Options: MAC }],
    ['an id that was never given', 'RequestAddress', { PoolID: '../../etc', Options: MAC }],
    ['no MAC address', 'RequestAddress', { ...POOL, Address: '' }],
    [
      'a MAC address that is none',
      'RequestAddress',
      { ...POOL, Options: { ...MAC, [Object.keys(MAC)[0] ?? '']: 'x' } },
    ],
    [
      'a gateway, which is no matter of the store',
      'RequestAddress',
      { ...POOL, Options: { RequestAddressType: 'com.docker.network.gateway' } },
    ],
    ['forgetting a pool that is none', 'ForgetAddress', { PoolID: 'never/10.0.0.0/8', Options: MAC }],
    ['the gateway as an address', 'RequestAddress', { ...POOL, Address: '9.0.1.1', Options: MAC }],
    ['an address that is none', 'ReleaseAddress', { ...POOL, Address: 'x' }],
  ])('refuses %s', async (_case, method, body) => {
    expect(await ask(method, body)).toEqual({
      Error: expect.stringMatching(/^overlay-ipam: .{10}/),
      Code: expect.any(String),
    });
    expect(await held()).toBe(0);
  });

  it('answers whatever comes', async () => {
    const methods = fc.constantFrom('RequestPool', 'RequestAddress', 'ReleaseAddress', 'ForgetAddress', 'x');
    const keys = fc.constantFrom('PoolID', 'Pool', 'SubPool', 'Address', 'Options');
    const bodies = fc.oneof(fc.anything(), fc.dictionary(keys, fc.oneof(fc.string(), fc.anything())));
    await fc.assert(
      fc.asyncProperty(methods, bodies, async (method, body) => {
        expect(await ask(method, body)).toMatchObject({ Error: expect.any(String) });
      }),
    );
  });
});
