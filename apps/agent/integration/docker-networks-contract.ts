import { expect, it } from '@jest/globals';
import { dockerNetworkDifferences } from '../src/docker/compare-docker-network.js';
import { type DockerNetworkSettings, type DockerNetworks, usersOf } from '../src/docker/docker-networks.js';
import {
  type DockerOverlay,
  NETWORK_ID_LABEL,
  planDockerNetwork,
} from '../src/docker/plan-docker-network.js';

/** An engine under test, with nothing of ours in it. */
export interface EngineUnderTest {
  readonly docker: DockerNetworks;
  /** Starts a container on a network at an address. */
  start(name: string, network: string, ip: string): Promise<void>;
  /** Stops it, so that it is still there. */
  stop(name: string): Promise<void>;
  /** Removes it. */
  remove(name: string): Promise<void>;
}

const { signal } = new AbortController();

function overlay(name: string, octet: number, subnet6 = ''): DockerOverlay {
  const subnet = octet === 0 ? '' : `9.${octet}.0.128/25`;
  return { networkId: `id-${name}`, name, subnet, subnet6, mtuBytes: 1420, pool: 'split' };
}

/** What every implementation of {@link DockerNetworks} does. */
export function describeDockerNetworks(engine: () => EngineUnderTest): void {
  async function make(of: DockerOverlay): Promise<DockerNetworkSettings> {
    const settings = planDockerNetwork(of, await engine().docker.version(signal));
    await engine().docker.create(settings, signal);
    return settings;
  }

  async function find(name: string) {
    return (await engine().docker.list(signal)).find((network) => network.name === name);
  }

  async function remove(name: string): Promise<void> {
    await engine().docker.remove((await find(name))?.id ?? '', signal);
  }

  it('lists what was made as it was wanted', async () => {
    const settings = await make(overlay('both', 81, 'fd01:81::1:8000:0:0/81'));
    const found = await find('both');
    expect(found).toMatchObject({ driver: 'bridge', ipv6: true, labels: { [NETWORK_ID_LABEL]: 'id-both' } });
    expect(found && dockerNetworkDifferences(settings, found)).toEqual([]);
    await remove('both');
    expect(await find('both')).toBeUndefined();
  });

  it('makes a network without IPv4 as far as the engine can', async () => {
    const settings = await make(overlay('six', 0, 'fd01:82::1:8000:0:0/81'));
    const found = await find('six');
    expect(found && dockerNetworkDifferences(settings, found)).toEqual([]);
    expect(found?.subnets.length).toBe(settings.ipv4 ? 2 : 1);
    await remove('six');
  });

  it('refuses a name that is taken', async () => {
    await make(overlay('taken', 83));
    await expect(make(overlay('taken', 84))).rejects.toMatchObject({ code: 'already_exists' });
    await remove('taken');
  });

  it('tells who is on a network, and keeps it while somebody is', async () => {
    await make(overlay('used', 85));
    await engine().start('web', 'used', '9.85.0.140');
    const id = (await find('used'))?.id ?? '';
    const containers = await engine().docker.listContainers(signal);
    const web = containers.find(({ name }) => name === 'web');
    expect(web).toMatchObject({
      running: true,
      endpoints: [{ network: 'used', networkId: id, ip: '9.85.0.140', ip6: '' }],
    });
    await expect(remove('used')).rejects.toMatchObject({ code: 'failed_precondition' });
    await engine().stop('web');
    const stopped = await engine().docker.listContainers(signal);
    expect(stopped).toMatchObject([
      { name: 'web', running: false, endpoints: [{ network: 'used', ip: '', ip6: '' }] },
    ]);
    expect(usersOf({ id, name: 'used' }, stopped)).toHaveLength(1);
    await remove('used');
    await engine().docker.remove(id, signal);
    await engine().remove('web');
    expect(await engine().docker.listContainers(signal)).toEqual([]);
  });

  it('tells that something changed', async () => {
    const stop = new AbortController();
    const changes = engine().docker.watchChanges(stop.signal)[Symbol.asyncIterator]();
    expect(await changes.next()).toMatchObject({ done: false });
    const next = changes.next();
    await make(overlay('news', 86));
    expect(await next).toMatchObject({ done: false });
    await remove('news');
    stop.abort();
    let done = false;
    while (!done) done = (await changes.next()).done === true;
    expect(done).toBe(true);
  });
}
