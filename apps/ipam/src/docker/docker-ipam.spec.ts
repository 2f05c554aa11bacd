import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import { Metrics } from '@overlay/service';
import fc from 'fast-check';
import { AddressBook } from '../allocation/address-book.js';
import { createOperationMeter } from '../ipam-metrics.js';
import { ManualHostClock } from '../manual-host-clock.js';
import { MemoryAllocationStore } from '../store/memory-allocation-store.js';
import { DockerIpam, type DockerIpamDeps } from './docker-ipam.js';

const MAC = { 'com.docker.network.endpoint.macaddress': '02:42:09:00:01:02' };
const PREFIX = '9.0.1.0/27';
const POOL = { PoolID: `dcos/${PREFIX}` };

describe("Docker's IPAM protocol", () => {
  let store: MemoryAllocationStore;
  let book: AddressBook;
  let deps: DockerIpamDeps;
  let tooLate: () => void;
  let ipam: DockerIpam;

  beforeEach(async () => {
    store = new MemoryAllocationStore();
    const clock = new ManualHostClock();
    book = await AddressBook.open(store, clock.instant());
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
    const time = new Promise<void>((resolve) => {
      tooLate = resolve;
    });
    const timer = { sleep: () => time };
    const meter = createOperationMeter(new Metrics('overlay-ipam'), () => 0);
    deps = { book, meter, clock, timer, cooldown: { cooldownMs: 0, rememberedCount: 100 } };
    ipam = new DockerIpam(timer, Promise.resolve(deps));
  });

  const ask = (method: string, body: unknown = {}) => ipam.answer(`IpamDriver.${method}`, body);
  const held = () => book.read((state) => [...state.allocations()].length);

  it('shakes hands', async () => {
    expect(await ipam.answer('Plugin.Activate', {})).toEqual({ Implements: ['IpamDriver'] });
    expect(await ask('GetCapabilities')).toMatchObject({ RequiresMACAddress: true });
    expect(await ask('GetDefaultAddressSpaces')).toMatchObject({ LocalDefaultAddressSpace: 'overlay-local' });
  });

  it('gives a pool the same id each time', async () => {
    const request = { AddressSpace: 'overlay-local', Pool: PREFIX, SubPool: '', Options: null, V6: false };
    for (const _time of [1, 2]) {
      expect(await ask('RequestPool', request)).toEqual({ ...POOL, Pool: PREFIX, Data: {} });
    }
    expect(await ask('ReleasePool', POOL)).toEqual({});
  });

  it('answers a gateway, gives addresses, repeats them and takes them back', async () => {
    const gateway = { RequestAddressType: 'com.docker.network.gateway' };
    for (const Address of ['', '9.0.1.1']) {
      const answer = await ask('RequestAddress', { ...POOL, Address, Options: gateway });
      expect(answer).toEqual({ Address: '9.0.1.1/27', Data: {} });
    }
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

  it('answers in time when the store is slow, and keeps nothing that Docker does not know of', async () => {
    let goOn: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const commit = store.commit.bind(store);
    store.commit = async (mutations) => {
      await slow;
      await commit(mutations);
    };
    const answer = ask('RequestAddress', { ...POOL, Address: '', Options: MAC });
    tooLate();
    expect(await answer).toMatchObject({ Error: expect.stringContaining('try again') });
    goOn();
    while (store.commits < 3) await held();
    expect(await held()).toBe(0);
  });

  it('shakes hands while the addresses are being loaded, and refuses the rest in time', async () => {
    const loading = new DockerIpam(
      { sleep: async () => undefined },
      new Promise<DockerIpamDeps>(() => undefined),
    );
    const answer = await loading.answer('IpamDriver.RequestAddress', { ...POOL, Address: '', Options: MAC });
    expect(answer).toMatchObject({ Error: expect.stringContaining('still loading') });
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
      'another gateway',
      'RequestAddress',
      { ...POOL, Address: '9.0.1.9', Options: { RequestAddressType: 'com.docker.network.gateway' } },
    ],
    ['the gateway as an address', 'RequestAddress', { ...POOL, Address: '9.0.1.1', Options: MAC }],
    ['an address that is none', 'ReleaseAddress', { ...POOL, Address: 'x' }],
    ['a pool that is none', 'ReleasePool', { PoolID: 'x' }],
  ])('refuses %s', async (_case, method, body) => {
    expect(await ask(method, body)).toEqual({ Error: expect.stringMatching(/^overlay-ipam: .{10}/) });
    expect(await held()).toBe(0);
  });

  it('answers whatever comes', async () => {
    const methods = fc.constantFrom('RequestPool', 'ReleasePool', 'RequestAddress', 'ReleaseAddress', 'x');
    const keys = fc.constantFrom('PoolID', 'Pool', 'SubPool', 'Address', 'Options');
    const bodies = fc.oneof(fc.anything(), fc.dictionary(keys, fc.oneof(fc.string(), fc.anything())));
    await fc.assert(
      fc.asyncProperty(methods, bodies, async (method, body) => {
        expect(await ask(method, body)).toMatchObject({ Error: expect.any(String) });
      }),
    );
  });
});
