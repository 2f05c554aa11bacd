import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { interfaceIp, parseCidr, parseInterfaceAddress } from '@overlay/allocation';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import { createLogger, Metrics } from '@overlay/service';
import fc from 'fast-check';
import { AddressBook } from '../allocation/address-book.js';
import { parseContainerId, parseInterfaceName } from '../allocation/owner.js';
import { planAllocation } from '../allocation/plan-allocation.js';
import { DockerIpam } from '../docker/docker-ipam.js';
import { createOperationMeter } from '../ipam-metrics.js';
import { ManualHostClock } from '../manual-host-clock.js';
import { MemoryAllocationStore } from '../store/memory-allocation-store.js';
import { DockerFront } from './docker-front.js';
import { FaultyIpam, type IpamFault } from './faulty-ipam.js';
import { OwedCallsFolder } from './owed-calls.js';

const PREFIX = '9.0.1.0/29';
const PoolID = `dcos/${PREFIX}`;
const MAC_OPTION = 'com.docker.network.endpoint.macaddress';
const logger = createLogger('test', 'silent');

describe('what Docker sees of overlay-ipam', () => {
  let folder: string;
  let book: AddressBook;
  let clock: ManualHostClock;
  let ipam: FaultyIpam;
  let front: DockerFront;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-front-'));
    await open();
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  async function open(): Promise<void> {
    clock = new ManualHostClock();
    book = await AddressBook.open(new MemoryAllocationStore(), clock.instant());
    const pool = {
      networkId: parseNetworkId('n1'),
      network: parseNetworkName('dcos'),
      half: 'cni',
      subnet: parseCidr(PREFIX),
    } as const;
    await book.change(() => ({ mutations: [{ kind: 'replace_pools', pools: [pool] }], answer: undefined }));
    const meter = createOperationMeter(new Metrics('overlay-ipam'), () => 0);
    const cooldown = { cooldownMs: 0, rememberedCount: 100 };
    ipam = new FaultyIpam(new DockerIpam({ book, meter, clock, cooldown }));
    startFront();
  }

  function startFront(): void {
    const owed = new OwedCallsFolder(folder, () => undefined);
    front = new DockerFront({ ipam, owed, clock, logger });
  }

  const ask = (method: string, body: unknown = {}) => front.answer(`IpamDriver.${method}`, body);
  const request = (mac: number) =>
    ask('RequestAddress', {
      PoolID,
      Address: '',
      Options: { [MAC_OPTION]: `02:42:00:00:00:${mac.toString(16).padStart(2, '0')}` },
    });
  const release = (Address: string) => ask('ReleaseAddress', { PoolID, Address });
  const held = () =>
    book.read((state) =>
      [...state.allocations()].flatMap(({ addresses }) => addresses.map(({ address }) => ipOf(address))),
    );
  const owedFiles = () => readdirSync(folder).filter((name) => name.endsWith('.json'));

  function ipOf(address: string): string {
    return interfaceIp(parseInterfaceAddress(address));
  }

  async function addCni(name: string): Promise<void> {
    const owner = { containerId: parseContainerId(name), interface: parseInterfaceName('eth0') };
    await book.change((state) =>
      planAllocation(state, {
        network: 'dcos',
        half: 'cni',
        owner,
        requestedIps: [],
        labels: {},
        nowMs: clock.nowMs(),
        at: clock.instant(),
        cooldown: { cooldownMs: 0, rememberedCount: 100 },
      }),
    );
  }

  it.each<IpamFault>(['none', 'down', 'silent', 'answer_lost'])('shakes hands: fault %s', async (fault) => {
    ipam.fault = fault;
    expect(await front.answer('Plugin.Activate', {})).toEqual({ Implements: ['IpamDriver'] });
    expect(await ask('GetCapabilities')).toEqual({ RequiresMACAddress: true, RequiresRequestReplay: false });
    expect(await ask('GetDefaultAddressSpaces')).toMatchObject({ LocalDefaultAddressSpace: 'overlay-local' });
    expect(await ask('ReleasePool', { PoolID })).toEqual({});
    const Options = { RequestAddressType: 'com.docker.network.gateway' };
    for (const Address of ['', '9.0.1.1']) {
      const answer = await ask('RequestAddress', { PoolID, Address, Options });
      expect(answer).toEqual({ Address: '9.0.1.1/29', Data: {} });
    }
    const other = await ask('RequestAddress', { PoolID, Address: '9.0.1.5', Options });
    expect(other).toEqual({ Error: expect.stringContaining('not 9.0.1.5') });
  });

  it('hands pools and addresses on', async () => {
    expect(await ask('RequestPool', { Pool: PREFIX })).toMatchObject({ PoolID });
    expect(await request(1)).toEqual({ Address: '9.0.1.2/29', Data: {} });
    expect(await release('9.0.1.2')).toEqual({});
    expect(await held()).toEqual([]);
    expect(owedFiles()).toEqual([]);
  });

  it.each<IpamFault>(['down', 'silent', 'answer_lost'])('says what is away: fault %s', async (fault) => {
    ipam.fault = fault;
    const refusal = { Error: expect.stringMatching(/^overlay-docker-ipam: .*overlay-ipam.*; try again$/) };
    expect(await ask('RequestPool', { Pool: PREFIX })).toEqual(refusal);
    expect(await request(1)).toEqual(refusal);
    ipam.fault = 'none';
    await front.settle();
    expect(await held()).toEqual([]);
  });

  it.each<IpamFault>(['down', 'silent', 'answer_lost'])(
    'takes releases over, also over a restart: fault %s',
    async (fault) => {
      await request(1);
      await request(2);
      ipam.fault = fault;
      const before = ipam.calls;
      for (const Address of ['9.0.1.2', '9.0.1.3']) expect(await release(Address)).toEqual({});
      expect(ipam.calls).toBe(before + 1);
      expect(owedFiles()).toHaveLength(2);
      startFront();
      await expect(front.settle()).rejects.toMatchObject({ code: 'unavailable' });
      ipam.fault = 'none';
      expect(await request(3)).toMatchObject({ Address: expect.any(String) });
      expect(await held()).toHaveLength(1);
      expect(owedFiles()).toEqual([]);
    },
  );

  it('frees nothing of a CNI container late', async () => {
    await request(1);
    ipam.fault = 'answer_lost';
    await release('9.0.1.2');
    for (let number = 0; number < 5; number += 1) await addCni(`c${number}`);
    ipam.fault = 'none';
    await front.settle();
    expect(await held()).toHaveLength(5);
  });

  it('sets aside what is no release', async () => {
    writeFileSync(join(folder, 'a.json'), 'junk');
    writeFileSync(join(folder, 'b.json'), '{"method":"IpamDriver.RequestAddress","body":{}}');
    startFront();
    await front.settle();
    expect(readdirSync(join(folder, 'unreadable'))).toEqual(['a.json', 'b.json']);
  });

  it.each<[string, string, unknown]>([
    ['a method that is unknown', 'Explode', {}],
    ['a body that is no object', 'RequestPool', 7],
    ['a body that is no JSON', 'RequestAddress', undefined],
    ['no MAC address', 'RequestAddress', { PoolID, Address: '' }],
    ['a release of what is no address', 'ReleaseAddress', { PoolID, Address: 'x' }],
    ['a pool that is none', 'ReleasePool', { PoolID: 'x' }],
  ])('refuses %s by itself', async (_case, method, body) => {
    ipam.fault = 'down';
    expect(await ask(method, body)).toEqual({ Error: expect.stringMatching(/^overlay-docker-ipam: .{10}/) });
    expect(ipam.calls).toBe(0);
    expect(owedFiles()).toEqual([]);
  });

  it('gives nothing twice and loses nothing, whatever fails in between', async () => {
    const faults = fc.constantFrom<IpamFault>('none', 'none', 'none', 'down', 'silent', 'answer_lost');
    const steps = fc.array(
      fc.record({
        fault: faults,
        step: fc.constantFrom('start', 'start', 'end', 'end', 'cni', 'settle', 'restart'),
        at: fc.nat(5),
      }),
      { maxLength: 60, size: 'max' },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (planned) => {
        await open();
        const docker: string[] = [];
        let mac = 0;
        for (const { fault, step, at } of planned) {
          ipam.fault = fault;
          if (step === 'start') {
            mac += 1;
            const { Address } = await request(mac);
            if (typeof Address === 'string') docker.push(ipOf(Address));
          } else if (step === 'end') {
            const [ip] = docker.splice(at % Math.max(docker.length, 1), 1);
            if (ip !== undefined) expect(await release(ip)).toEqual({});
          } else if (step === 'cni') await addCni(`c${at % 2}`).catch(() => undefined);
          else if (step === 'settle') await front.settle().catch(() => undefined);
          else startFront();
          // What Docker uses is held, each address once.
          expect(new Set(docker).size).toBe(docker.length);
          expect(await held()).toEqual(expect.arrayContaining(docker));
        }
        ipam.fault = 'none';
        await front.settle();
        const ofDocker = await book.read((state) =>
          [...state.allocations()]
            .filter(({ ownerKind }) => ownerKind === 'docker')
            .flatMap(({ addresses }) => addresses.map(({ address }) => ipOf(address))),
        );
        expect(ofDocker.toSorted()).toEqual(docker.toSorted());
      }),
      { numRuns: 40 },
    );
  }, 30_000);
});
