import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MasterUnderTest } from './master-under-test.js';

const master = new MasterUnderTest();
beforeEach(() => master.start());
afterEach(() => master.remove());

describe('the state', () => {
  it('has the fields and values that DC/OS tooling expects of the second agent', async () => {
    await master.register('a', '10.0.0.1');
    await master.register('b', '10.0.0.2');
    const backend = {
      vxlan: {
        vni: 1024,
        vtep_name: 'vtep1024',
        vtep_ip: '44.128.0.2/20',
        vtep_ip6: 'fd01:a::2/64',
        vtep_mac: '70:b3:d5:80:00:02',
      },
    };
    const { network, agents: listed } = (await master.state()) as { network: unknown; agents: unknown[] };
    expect(network).toEqual({
      vtep_subnet: '44.128.0.0/20',
      vtep_subnet6: 'fd01:a::/64',
      vtep_mac_oui: '70:B3:D5:00:00:00',
      overlays: [
        { name: 'dcos', subnet: '9.0.0.0/8', prefix: 24, enabled: true },
        { name: 'dcos6', subnet6: 'fd01:b::/64', prefix6: 80, enabled: true },
      ],
    });
    expect(listed[1]).toEqual({
      ip: '10.0.0.2',
      overlays: [
        {
          info: { name: 'dcos', subnet: '9.0.0.0/8', prefix: 24, enabled: true },
          subnet: '9.0.1.0/24',
          mesos_bridge: { name: 'm-dcos', ip: '9.0.1.0/25' },
          docker_bridge: { name: 'd-dcos', ip: '9.0.1.128/25' },
          backend,
          state: { status: 'STATUS_CONFIGURING' },
        },
        {
          info: { name: 'dcos6', subnet6: 'fd01:b::/64', prefix6: 80, enabled: true },
          subnet6: 'fd01:b:0:0:1::/80',
          mesos_bridge: { name: 'm-dcos6', ip6: 'fd01:b:0:0:1::/81' },
          docker_bridge: { name: 'd-dcos6', ip6: 'fd01:b::1:8000:0:0/81' },
          backend,
          state: { status: 'STATUS_CONFIGURING' },
        },
      ],
    });
  });

  it('is the same after a restart', async () => {
    for (const host of [1, 2, 3]) await master.register(`node-${host}`, `10.0.0.${host}`);
    const before = await master.state();
    await master.stop();
    await master.start();
    expect(await master.state()).toEqual(before);
    const again = await master.register('node-2', '10.0.0.2');
    expect(again.assignment?.vtep?.ip).toBe('44.128.0.2/20');
  });

  it('wraps itself for JSONP and refuses a callback that is code', async () => {
    expect((await master.http('GET', '/overlay-master/state?jsonp=app.show')).text).toMatch(
      /^app\.show\(\{.*\}\);$/,
    );
    const refused = await master.http('GET', '/overlay-master/state?jsonp=alert(1)//');
    expect(refused.status).toBe(400);
    expect(refused.text).toContain('jsonp');
  });
});

describe('deletion of agents', () => {
  const remove = (body: string, headers = {}) =>
    master.http('POST', '/overlay-master/agents/delete', body, headers);

  it('answers with the state afterwards, ignores unknown addresses and can be repeated', async () => {
    await master.register('a', '10.0.0.1');
    await master.register('b', '10.0.0.2');
    for (let round = 0; round < 2; round += 1) {
      const answer = await remove('{"agents": ["10.0.0.1", "192.0.2.7"]}');
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.text)).toEqual(await master.state());
      expect(JSON.parse(answer.text).agents.map(({ ip }: { ip: string }) => ip)).toEqual(['10.0.0.2']);
    }
  });

  it('refuses a connected agent without force', async () => {
    await master.register('a', '10.0.0.1');
    const stream = master.agents.watchTopology({ nodeId: 'a', fromRevision: 0n })[Symbol.asyncIterator]();
    await stream.next();
    const refused = await remove('{"agents": ["10.0.0.1"]}');
    expect(refused.status).toBe(400);
    expect(refused.text).toContain('10.0.0.1');
    expect((await remove('{"agents": ["10.0.0.1"], "force": true}')).status).toBe(200);
    await stream.return?.();
    expect(((await master.state()) as { agents: unknown[] }).agents).toEqual([]);
  });

  it.each([
    ['no JSON', '{', 400],
    ['a list', '[]', 400],
    ['no agents', '{}', 400],
    ['agents that are no list', '{"agents": "10.0.0.1"}', 400],
    ['an address that is none', '{"agents": ["10.0.0"]}', 400],
    ['force that is no boolean', '{"agents": [], "force": "yes"}', 400],
    ['an unknown key', '{"agents": [], "all": true}', 400],
    ['more than a megabyte', `{"agents": ["${'1'.repeat(1_100_000)}"]}`, 413],
  ])('refuses %s and changes nothing', async (_what, body, status) => {
    await master.register('a', '10.0.0.1');
    const before = await master.state();
    const answer = await remove(body);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).error).not.toBe('');
    expect(await master.state()).toEqual(before);
  });

  it.each(['application/json', 'application/x-www-form-urlencoded', 'text/plain'])(
    'reads JSON as %s, and names the keys that every object of JavaScript has',
    async (type) => {
      const headers = { 'content-type': type };
      await master.register('a', '10.0.0.1');
      const before = await master.state();
      for (const key of ['__proto__', 'constructor', 'toString']) {
        const refused = await remove(`{"agents": ["10.0.0.1"], "${key}": {"prototype": {}}}`, headers);
        expect(refused.status).toBe(400);
        expect(JSON.parse(refused.text).error).toBe(`${key}: is unknown; the keys are agents and force`);
      }
      expect(await master.state()).toEqual(before);
      expect((await remove('\uFEFF{"agents": []}', headers)).status).toBe(200);
    },
  );

  it('refuses other methods and pages of other sites', async () => {
    expect((await master.http('GET', '/overlay-master/agents/delete')).status).toBe(405);
    await master.register('a', '10.0.0.1');
    const before = await master.state();
    for (const host of ['master:5050', 'evil.example']) {
      const foreign = await remove('{"agents": ["10.0.0.1"]}', { host, origin: 'http://evil.example' });
      expect(foreign.status).toBe(403);
      expect(JSON.parse(foreign.text).error).toContain('http://evil.example');
    }
    expect(await master.state()).toEqual(before);
    const own = { host: '10.0.0.9:5050', origin: 'http://10.0.0.9:5050' };
    expect((await remove('{"agents": []}', own)).status).toBe(200);
    expect((await remove('{"agents": []}', { host: 'master:5050' })).status).toBe(200);
  });
});
