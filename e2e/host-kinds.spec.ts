import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Container, type Host, type MasterState, Testbed } from '@overlay/testbed';
import { agentOf, overlayOf, vtepOf, withoutLength } from './cluster-state.js';
import { waitUntil, waitUntilNo } from './wait-until.js';

jest.setTimeout(90_000);

const NETWORK = {
  vtep_subnet: '44.128.0.0/20',
  vtep_subnet6: 'fd01:a::/64',
  overlays: [
    { name: 'dual', subnet: '9.0.0.0/8', prefix: 24, subnet6: 'fd01:b::/64', prefix6: 80 },
    { name: 'closed', subnet: '10.64.0.0/16', prefix: 24, isolated: true },
    {
      name: 'later',
      subnet: '10.65.0.0/16',
      prefix: 24,
      subnet6: 'fd01:c::/64',
      prefix6: 80,
      enabled: false,
    },
  ],
};
const GATEWAY = { allocate_subnet: false };
const CNI_ONLY = { mesos_bridge: true, docker_bridge: false };
const NO_BRIDGES = { mesos_bridge: false, docker_bridge: false };

/** The names of a host's overlay bridges. */
async function bridgesOf(host: Host): Promise<readonly string[]> {
  const links = await host.ipJson<{ readonly ifname: string }>('link', 'show', 'type', 'bridge');
  return links.map(({ ifname }) => ifname).filter((name) => /^[mdo]-/.test(name));
}

/** The addresses of a host, and its routes to peers, within an address space. */
async function shareOf(host: Host, space: RegExp): Promise<readonly string[]> {
  const commands = ['address show', '-4 route show table all', '-6 route show table all'];
  const texts = await Promise.all(
    commands.map((command) => host.execOrFail(['ip', '-oneline', ...command.split(' ')])),
  );
  return texts
    .flatMap((text) => text.split('\n'))
    .filter((line) => space.test(line) && !line.startsWith('unreachable '));
}

describe('hosts of every kind in one cluster', () => {
  let testbed: Testbed;
  let state: MasterState;
  let ordinary: Host;
  let gateway: Host;
  let cniOnly: Host;
  let bare: Host;
  let container: Container;

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 0, label: 'host-kinds', master: { network: NETWORK } });
    ordinary = await testbed.addHost();
    gateway = await testbed.addHost({ agent: { network_config: GATEWAY } });
    cniOnly = await testbed.addHost({ agent: { network_config: CNI_ONLY } });
    bare = await testbed.addHost({ agent: { network_config: NO_BRIDGES } });
    await testbed.start();
    state = await testbed.waitSettled(['dual', 'closed']);
    container = await ordinary.attachCni('dual');
    await Promise.all([...testbed.hosts, container].map((each) => each.serveEcho()));
  });

  afterAll(async () => {
    await testbed?.close();
  });

  it('give a gateway a VTEP and no block, and the others what their bridges need', async () => {
    for (const name of ['dual', 'closed']) {
      const overlay = overlayOf(state, gateway, name);
      expect(overlay.backend?.vxlan.vtep_ip).toMatch(/^44\.128\.0\.\d+\/20$/);
      expect(Object.keys(overlay)).not.toEqual(expect.arrayContaining(['subnet']));
      expect(overlay).not.toHaveProperty('subnet6');
      expect(overlay).not.toHaveProperty('mesos_bridge');
      expect(overlay).not.toHaveProperty('docker_bridge');
    }
    const cni = overlayOf(state, cniOnly, 'dual');
    expect(cni.mesos_bridge?.ip).toBe(cni.subnet?.replace('/24', '/25'));
    expect(cni).not.toHaveProperty('docker_bridge');
    expect(overlayOf(state, bare, 'dual')).not.toHaveProperty('mesos_bridge');
    expect(await bridgesOf(ordinary)).toEqual(expect.arrayContaining(['m-dual', 'm-closed']));
    expect(await bridgesOf(cniOnly)).toEqual(expect.arrayContaining(['m-dual', 'm-closed']));
    expect(await bridgesOf(gateway)).toEqual([]);
    expect(await bridgesOf(bare)).toEqual([]);
    const blocks = testbed.hosts.map((host) => overlayOf(state, host, 'dual').subnet);
    const given = blocks.filter((block) => block !== undefined);
    expect(new Set(given).size).toBe(given.length);
  });

  it('let gateways and hosts without bridges reach containers, and containers reach them', async () => {
    for (const host of [gateway, bare, cniOnly]) {
      for (const address of [container.ipv4 ?? '', container.ipv6 ?? '']) {
        expect(await host.ping(address)).toMatchObject({ ok: true });
        const vtep = vtepOf(state, host);
        const seenAs = withoutLength(address.includes(':') ? vtep.vtep_ip6 : vtep.vtep_ip);
        expect(await host.tcp(address)).toMatchObject({ ok: true, seenAs });
      }
      expect(await container.tcp(host.address.ipv4)).toMatchObject({ ok: true });
    }
  });

  it('keep isolated networks closed towards gateways', async () => {
    const closed = await ordinary.attachCni('closed');
    const friend = await cniOnly.attachCni('closed');
    const address = closed.ipv4 ?? '';
    expect(await friend.ping(address)).toMatchObject({ ok: true });
    const brief = { timeoutMs: 500 };
    for (const host of [gateway, bare]) {
      expect(await host.ping(address, brief)).toMatchObject({ received: 0 });
    }
    expect(await closed.ping(gateway.address.ipv4, brief)).toMatchObject({ received: 0 });
    await closed.remove();
    await friend.remove();
  });

  it('list a disabled network, give nobody a part of it, and have it everywhere once it is enabled', async () => {
    expect(state.network.overlays).toContainEqual(expect.objectContaining({ name: 'later', enabled: false }));
    const space = /10\.65\.|fd01:c:/;
    for (const host of testbed.hosts) {
      expect(agentOf(state, host).overlays?.map(({ info }) => info.name)).not.toContain('later');
      expect(await shareOf(host, space)).toEqual([]);
    }
    const overlays = NETWORK.overlays.map((overlay) => ({ ...overlay, enabled: true }));
    await testbed.master.stop();
    testbed.master.configure({ network: { overlays } });
    await testbed.master.start();
    await testbed.waitSettled(['dual', 'closed', 'later']);
    const [left, right] = [await ordinary.attachCni('later'), await cniOnly.attachCni('later')];
    for (const address of [right.ipv4 ?? '', right.ipv6 ?? '']) {
      await waitUntilNo(async () => {
        const { ok, output } = await left.ping(address);
        return ok ? undefined : output;
      });
    }
    for (const host of testbed.hosts) expect(await shareOf(host, space)).not.toEqual([]);
  });

  it('keep the blocks of a network that is disabled again, and its containers', async () => {
    const container = ordinary.containers.find(({ network }) => network === 'later');
    const before = overlayOf(await testbed.master.state(), ordinary, 'later');
    await testbed.master.stop();
    testbed.master.configure({ network: NETWORK });
    await testbed.master.start();
    await testbed.waitSettled(['dual', 'closed', 'later']);
    const after = await testbed.master.state();
    expect(overlayOf(after, ordinary, 'later')).toMatchObject({
      subnet: before.subnet,
      subnet6: before.subnet6,
    });
    const newcomer = await testbed.addHost();
    await newcomer.start();
    await testbed.master.waitSettled([newcomer.address.ipv4], ['dual', 'closed']);
    const { overlays } = agentOf(await testbed.master.state(), newcomer);
    expect(overlays?.map(({ info }) => info.name)).not.toContain('later');
    const other = cniOnly.containers.find(({ network }) => network === 'later');
    expect(await container?.ping(other?.ipv4 ?? '')).toMatchObject({ ok: true });
  });

  it('take bridges away from a host whose configuration has them no more, and give them back with the same block', async () => {
    const before = overlayOf(await testbed.master.state(), cniOnly, 'dual');
    await cniOnly.agent.stop();
    cniOnly.agent.configure({ network_config: NO_BRIDGES });
    await cniOnly.agent.start();
    await waitUntil('the bridges are gone', async () => (await bridgesOf(cniOnly)).length === 0);
    expect(overlayOf(await testbed.master.state(), cniOnly, 'dual')).toMatchObject({ subnet: before.subnet });
    await cniOnly.agent.stop();
    cniOnly.agent.configure({ network_config: CNI_ONLY });
    await cniOnly.agent.start();
    await waitUntil('the bridges are back', async () => (await bridgesOf(cniOnly)).includes('m-dual'));
    await testbed.master.waitSettled([cniOnly.address.ipv4], ['dual', 'closed']);
    const back = await cniOnly.attachCni('dual');
    expect(await back.ping(container.ipv4 ?? '')).toMatchObject({ ok: true });
  });
});
