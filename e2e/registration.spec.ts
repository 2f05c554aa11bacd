import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type AgentState, type Host, type MasterState, Testbed } from '@overlay/testbed';
import { agentOf, assignmentOf, claimsOf, overlayOf, vtepOf } from './cluster-state.js';
import { entriesTowards } from './kernel-entries.js';
import { waitUntil } from './wait-until.js';

jest.setTimeout(60_000);

const DCOS = { name: 'dcos', subnet: '9.0.0.0/8', prefix: 24 };
const DCOS6 = { name: 'dcos6', subnet6: 'fd01:b::/64', prefix6: 80 };
const NETWORKS = [DCOS.name, DCOS6.name];

describe('registration', () => {
  let testbed: Testbed;
  const host = (label: string): Host => testbed.host(label);
  const settle = (...hosts: readonly Host[]): Promise<MasterState> =>
    testbed.master.waitSettled(
      hosts.map(({ address }) => address.ipv4),
      NETWORKS,
    );

  /** Posts to the master as operators do. */
  async function deleteAgents(body: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
    const response = await fetch(`${testbed.master.httpUrl}/overlay-master/agents/delete`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  }

  beforeAll(async () => {
    const network = {
      vtep_subnet: '44.128.0.0/20',
      vtep_subnet6: 'fd01:a::/64',
      vtep_mac_oui: '70:B3:D5:00:00:00',
      overlays: [DCOS, DCOS6],
    };
    testbed = await Testbed.create({ hosts: 3, label: 'registration', master: { network } });
  });

  afterAll(async () => {
    await testbed?.close();
  });

  // The hosts join one by one, so that everybody's place is known. A place of `before-reply` is passed by
  // repeated registrations too, so it comes first, when there is nobody else.
  it.each([
    { label: 'h1', failPoint: 'before-reply', committed: true },
    { label: 'h2', failPoint: 'after-commit', committed: true },
    { label: 'h3', failPoint: 'before-commit', committed: false },
  ])('gives $label, whose master died at $failPoint, what the log holds', async (row) => {
    const { master } = testbed;
    await master.restart({ env: { OVERLAY_FAIL_POINTS: `${row.failPoint}@1` } });
    const joining = host(row.label);
    await joining.start('listening');
    expect(await master.waitExit()).toEqual({ exitCode: null, signal: 'SIGKILL' });
    await joining.agent.kill();

    await master.start();
    const recovered = (await master.state()).agents?.find(({ ip }) => ip === joining.address.ipv4);
    expect(recovered !== undefined).toBe(row.committed);

    await joining.start('ready');
    const registered = agentOf(await settle(joining), joining);
    if (recovered !== undefined) expect(assignmentOf(registered)).toEqual(assignmentOf(recovered));
  });

  it('shares nothing between two agents', async () => {
    const state = await settle(...testbed.hosts);
    const claims = (state.agents ?? []).flatMap(claimsOf);
    expect(claims).toHaveLength(3 * 6); // address, two VTEP addresses, MAC and two blocks each
    expect(new Set(claims).size).toBe(claims.length);
  });

  it('shows the state with exactly the documented fields', async () => {
    const state = await settle(...testbed.hosts);
    const vxlan = {
      vni: 1024,
      vtep_name: 'vtep1024',
      vtep_ip: '44.128.0.2/20',
      vtep_ip6: 'fd01:a::2/64',
      vtep_mac: '70:b3:d5:80:00:02',
    };
    expect(state.network).toEqual({
      vtep_subnet: '44.128.0.0/20',
      vtep_subnet6: 'fd01:a::/64',
      vtep_mac_oui: '70:B3:D5:00:00:00',
      overlays: [
        { ...DCOS, enabled: true },
        { ...DCOS6, enabled: true },
      ],
    });
    expect(Object.keys(state).sort()).toEqual(['agents', 'network']);
    expect(agentOf(state, host('h2'))).toEqual({
      ip: host('h2').address.ipv4,
      overlays: [
        {
          info: { ...DCOS, enabled: true },
          subnet: '9.0.1.0/24',
          mesos_bridge: { name: 'm-dcos', ip: '9.0.1.0/25' },
          docker_bridge: { name: 'd-dcos', ip: '9.0.1.128/25' },
          backend: { vxlan },
          state: { status: 'STATUS_OK', error: expect.stringContaining('no Docker engine') },
        },
        {
          info: { ...DCOS6, enabled: true },
          subnet6: 'fd01:b:0:0:1::/80',
          mesos_bridge: { name: 'm-dcos6', ip6: 'fd01:b:0:0:1::/81' },
          docker_bridge: { name: 'd-dcos6', ip6: 'fd01:b::1:8000:0:0/81' },
          backend: { vxlan },
          state: { status: 'STATUS_OK', error: expect.stringContaining('no Docker engine') },
        },
      ],
    });
  });

  it('shows the same on the agent, which adds its attempts', async () => {
    const state = await settle(...testbed.hosts);
    for (const each of testbed.hosts) {
      const { configuration_attempts: attempts, ...own } = (await each.overlays()) as AgentState & {
        readonly configuration_attempts: number;
      };
      expect(own).toEqual(agentOf(state, each));
      expect(attempts).toBeGreaterThan(0);
    }
  });

  it('wraps the state for a page that asks for jsonp', async () => {
    const url = `${testbed.master.httpUrl}/overlay-master/state`;
    const response = await fetch(`${url}?jsonp=app.show`);
    expect(response.headers.get('content-type')).toMatch(/^text\/javascript/);
    const [, json = ''] = /^app\.show\((.*)\);$/s.exec(await response.text()) ?? [];
    expect(JSON.parse(json)).toEqual(await testbed.master.state());
    expect((await fetch(`${url}?jsonp=alert(1)//`)).status).toBe(400);
  });

  it('gives every agent the same through three kill -9 of the master', async () => {
    const before = await settle(...testbed.hosts);
    for (const _restart of [1, 2, 3]) {
      await testbed.master.restart();
      expect(await settle(...testbed.hosts)).toEqual(before);
    }
  });

  it('refuses a configuration without a network of the log, until it is told to adopt it', async () => {
    const { master } = testbed;
    const before = await settle(...testbed.hosts);
    await master.stop();
    master.configure({ network: { overlays: [DCOS] } });
    master.launch();
    expect(await master.waitExit()).toEqual({ exitCode: 1, signal: null });
    const words = master.logTail(3);
    for (const part of ['network "dcos6"', ...testbed.hosts.map(({ address }) => address.ipv4)]) {
      expect(words).toContain(part);
    }
    expect(words).toContain('put it back');
    expect(words).toContain('--adopt-networks');
    expect(words).not.toMatch(/\n\s+at /);

    await master.start({ args: ['--adopt-networks'] });
    expect(await settle(...testbed.hosts)).toEqual(before);
    await master.restart(); // to be told once is enough
    expect(await settle(...testbed.hosts)).toEqual(before);
  });

  it('does not delete a connected agent unless forced, and ignores unknown addresses', async () => {
    const before = await settle(...testbed.hosts);
    const { ipv4 } = host('h3').address;
    const refused = await deleteAgents({ agents: [ipv4] });
    expect(refused.status).toBe(400);
    expect(JSON.stringify(refused.body)).toContain(ipv4);
    expect(await deleteAgents({ agents: ['10.99.99.99'] })).toEqual({ status: 200, body: before });
    expect(await testbed.master.state()).toEqual(before);
  });

  it('removes a deleted agent from the kernels of its peers, and gives it the same when it returns', async () => {
    const lost = host('h3');
    const staying = [host('h1'), host('h2')];
    const before = await settle(...testbed.hosts);
    const agent = agentOf(before, lost);
    await lost.kill();
    for (const each of staying) expect((await entriesTowards(each, agent)).length).toBeGreaterThan(0);

    const answer = await deleteAgents({ agents: [lost.address.ipv4], force: true });
    expect(answer.status).toBe(200);
    expect((answer.body as MasterState).agents?.map(({ ip }) => ip)).toEqual(
      staying.map(({ address }) => address.ipv4),
    );
    for (const each of staying) {
      await waitUntil(
        `${each.label} forgot h3`,
        async () => (await entriesTowards(each, agent)).length === 0,
      );
    }

    await lost.start('ready');
    expect(await settle(...testbed.hosts)).toEqual(before);
    for (const each of staying) {
      await waitUntil(`${each.label} knows h3`, async () => (await entriesTowards(each, agent)).length > 0);
    }
  });

  it('lets a connected agent that was deleted by force register again, with the same', async () => {
    const before = await settle(...testbed.hosts);
    const answer = await deleteAgents({ agents: [host('h2').address.ipv4], force: true });
    expect(answer.status).toBe(200);
    const after = await settle(...testbed.hosts);
    expect(after).toEqual(before);
    expect(vtepOf(after, host('h2')).vtep_ip).toBe('44.128.0.2/20');
    expect(overlayOf(after, host('h2'), 'dcos').subnet).toBe('9.0.1.0/24');
  });
});
