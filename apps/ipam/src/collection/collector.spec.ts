import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseCidr, parseIpAddress } from '@overlay/allocation';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import { AddressBook } from '../allocation/address-book.js';
import { parseContainerId, parseInterfaceName } from '../allocation/owner.js';
import { planAllocation } from '../allocation/plan-allocation.js';
import {
  type DockerAddressRequest,
  planDockerAddress,
  planDockerRelease,
} from '../allocation/plan-docker-address.js';
import { planPools } from '../allocation/plan-pools.js';
import { parseEndpointRequest, poolId } from '../docker/docker-requests.js';
import { ManualHostClock } from '../manual-host-clock.js';
import { MemoryAllocationStore } from '../store/memory-allocation-store.js';
import { Collector } from './collector.js';
import { MemoryNamespaces } from './memory-namespaces.js';

const DOCKER_POOL = { network: 'dcos', prefix: parseCidr('9.0.0.0/20') };
const GRACE_MS = 60_000;
const COOLDOWN = { cooldownMs: 30_000, rememberedCount: 1000 };

describe('Collector', () => {
  let store: MemoryAllocationStore;
  let clock: ManualHostClock;
  let namespaces: MemoryNamespaces;
  let book: AddressBook;
  let collector: Collector;

  beforeEach(async () => {
    store = new MemoryAllocationStore();
    clock = new ManualHostClock();
    namespaces = new MemoryNamespaces();
    await restart();
    const [networkId, network] = [parseNetworkId('n1'), parseNetworkName('dcos')];
    const pool = { networkId, network, half: 'cni', subnet: parseCidr('9.0.0.0/20') } as const;
    await book.change((state) => planPools(state, [pool]));
  });

  async function restart(): Promise<void> {
    book = await AddressBook.open(store, clock.instant());
    collector = new Collector({ book, namespaces, clock, graceMs: GRACE_MS, cooldown: COOLDOWN });
  }

  const pathOf = (id: string) => `/run/netns/${id}`;

  function add(id: string, networkNamespace: string | undefined = pathOf(id)) {
    const owner = { containerId: parseContainerId(id), interface: parseInterfaceName('eth0') };
    return book.change((state) =>
      planAllocation(state, {
        network: 'dcos',
        half: 'cni',
        owner,
        requestedIps: [],
        networkNamespace,
        namespaceSeen: namespaces.lives(networkNamespace),
        labels: {},
        nowMs: clock.nowMs(),
        at: clock.instant(),
        cooldown: COOLDOWN,
      }),
    );
  }

  function addForFramework(id: string, networkNamespace?: string) {
    const owner = { containerId: parseContainerId(id), interface: parseInterfaceName('eth0') };
    const place = networkNamespace === undefined ? {} : { networkNamespace, namespaceSeen: true };
    const who = { network: 'dcos', half: 'cni', owner, ownerKind: 'framework' } as const;
    const wish = { ...who, ...place, requestedIps: [], labels: {} };
    return book.change((state) =>
      planAllocation(state, { ...wish, nowMs: clock.nowMs(), at: clock.instant(), cooldown: COOLDOWN }),
    );
  }

  function addForDocker(id: string) {
    const owner = { containerId: parseContainerId(id), interface: parseInterfaceName('ipv4') };
    return giveToDocker({ pool: DOCKER_POOL, owner });
  }

  /** As Docker asks for `--aux-address`: once, when the network is made. */
  function setAsideForDocker(Address: string) {
    const PoolID = poolId(DOCKER_POOL);
    return giveToDocker(parseEndpointRequest({ PoolID, Address, Options: { RequestAddressType: '' } }));
  }

  function giveToDocker(wish: Pick<DockerAddressRequest, 'pool' | 'owner' | 'wanted'>) {
    return book.change((state) =>
      planDockerAddress(state, {
        ...wish,
        at: clock.instant(),
        cooldown: COOLDOWN,
        nowMs: clock.nowMs(),
      }),
    );
  }

  const scan = async () => (await collector.scan()).map(({ owner }) => owner.containerId);
  const held = () =>
    book.read((state) => [...state.allocations()].map(({ owner }) => owner.containerId as string));

  it('releases what Docker held before the host was started anew, and nothing else of Docker', async () => {
    await addForDocker('before');
    await scan();
    clock.pass(GRACE_MS);
    expect(await scan()).toEqual([]);
    clock.reboot();
    await restart();
    await addForDocker('after');
    await scan();
    clock.pass(GRACE_MS);
    expect(await scan()).toEqual(['before']);
    expect(await held()).toEqual(['after']);
  });

  it('keeps what Docker set aside for a network over every start of the host, until Docker gives it back', async () => {
    await addForDocker('endpoint');
    await setAsideForDocker('9.0.0.5');
    for (const _boot of [1, 2]) {
      clock.reboot();
      await restart();
      await scan();
      clock.pass(GRACE_MS);
      await scan();
    }
    expect(await held()).toEqual(['docker-9.0.0.5']);
    const [ip, moment] = [parseIpAddress('9.0.0.5'), { at: clock.instant(), cooldown: COOLDOWN }];
    await book.change((state) => planDockerRelease(state, DOCKER_POOL, ip, moment));
    expect(await held()).toEqual([]);
  });

  it('releases what a framework allocated once the namespace that it named is gone, or at the next boot', async () => {
    namespaces.add(pathOf('named'));
    await addForFramework('named', pathOf('named'));
    await addForFramework('named');
    await addForFramework('nameless');
    namespaces.remove(pathOf('named'));
    await scan();
    clock.pass(GRACE_MS);
    expect(await scan()).toEqual(['named']);
    await addForFramework('again');
    clock.reboot();
    await restart();
    await addForFramework('again');
    expect(await scan()).toEqual([]);
    clock.pass(GRACE_MS);
    expect(await scan()).toEqual(['nameless']);
    expect(await held()).toEqual(['again']);
  });

  it('releases a container whose namespace has been gone for the grace time, and no other', async () => {
    for (const id of ['gone', 'stays']) {
      namespaces.add(pathOf(id));
      await add(id);
    }
    await addForFramework('framework');
    namespaces.remove(pathOf('gone'));
    expect(await scan()).toEqual([]);
    clock.pass(GRACE_MS - 1);
    clock.wallMs += 3_600_000;
    expect(await scan()).toEqual([]);
    clock.pass(1);
    expect(await scan()).toEqual(['gone']);
    expect(await held()).toEqual(['stays', 'framework']);
    clock.pass(10 * GRACE_MS);
    expect(await scan()).toEqual([]);
  });

  it('counts the grace time anew when the namespace was back meanwhile', async () => {
    namespaces.add(pathOf('a'));
    await add('a');
    namespaces.remove(pathOf('a'));
    await scan();
    clock.pass(GRACE_MS - 1);
    namespaces.add(pathOf('a'));
    await scan();
    namespaces.remove(pathOf('a'));
    clock.pass(1);
    expect(await scan()).toEqual([]);
    clock.pass(GRACE_MS);
    expect(await scan()).toEqual(['a']);
  });

  it('leaves alone what it never saw, and releases what a scan saw', async () => {
    await add('elsewhere');
    await add('late');
    namespaces.add(pathOf('late'));
    await scan();
    namespaces.remove(pathOf('late'));
    await scan();
    clock.pass(GRACE_MS);
    expect(await scan()).toEqual(['late']);
    expect(await held()).toEqual(['elsewhere']);
  });

  it('releases what an earlier boot left, but not what was added again since', async () => {
    namespaces.add(pathOf('again'));
    for (const id of ['old', 'again']) await add(id);
    clock.reboot();
    await restart();
    await add('again');
    expect(await scan()).toEqual([]);
    clock.pass(GRACE_MS);
    expect(await scan()).toEqual(['old']);
    expect(await held()).toEqual(['again']);
  });

  it('does not release what comes back while a release is on its way', async () => {
    namespaces.add(pathOf('a'));
    await add('a');
    namespaces.remove(pathOf('a'));
    await scan();
    clock.pass(GRACE_MS);
    const scanning = scan();
    namespaces.add(pathOf('a'));
    expect(await scanning).toEqual([]);
    expect(await held()).toEqual(['a']);
  });

  it('releases with the next scan what could not be stored, and hundreds at once', async () => {
    for (let number = 0; number < 600; number += 1) {
      namespaces.add(pathOf(`c${number}`));
      await add(`c${number}`);
    }
    for (let number = 0; number < 600; number += 1) namespaces.remove(pathOf(`c${number}`));
    await scan();
    clock.pass(GRACE_MS);
    store.fails = () => true;
    await expect(scan()).rejects.toMatchObject({ code: 'unavailable' });
    expect(await held()).toHaveLength(600);
    store.fails = () => false;
    expect(await scan()).toHaveLength(600);
    expect(await held()).toEqual([]);
  });
});
