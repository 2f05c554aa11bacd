import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Capacity } from '@overlay/contracts';
import { agentConfiguration } from '@overlay/model';
import { AgentState } from '../agent-state.js';
import { AGENT_TIMINGS } from '../agent-timings.js';
import { FakeCniDirectory } from '../cni/fake-cni-directory.js';
import { configurePass, FIRST_PASS } from '../configuration/configure-pass.js';
import { exampleNetwork, exampleRegistration } from '../configuration/example-registration.js';
import { planHost } from '../configuration/plan-host.js';
import { FakeDockerNetworks } from '../docker/fake-docker-networks.js';
import { hostPorts, loopDeps } from '../testing.js';
import { FakeDataplane } from './fake-dataplane.js';
import { FakeIpam } from './fake-ipam.js';
import { pollDaemons } from './poll-daemons.js';

describe('pollDaemons and the files of the host', () => {
  const config = agentConfiguration.parse({ ip: '10.0.0.1', heartbeat_ms: 100 });
  let looks = 0;
  class WatchedDirectory extends FakeCniDirectory {
    override list() {
      looks += 1;
      return super.list();
    }
  }
  const conflists = new WatchedDirectory('conflist');
  const ports = { ...hostPorts(new FakeDockerNetworks()), conflists };
  const state = new AgentState(config.network);
  const registration = exampleRegistration([exampleNetwork('a', 1), exampleNetwork('b', 2)]);
  let stop: AbortController;
  let polling: Promise<void>;

  beforeEach(async () => {
    stop = new AbortController();
    state.setRegistration(registration);
    await configurePass(registration, config, ports, FIRST_PASS, () => false, stop.signal);
    state.setProgress(
      new Map([
        ['id-a', { kind: 'configured' }],
        ['id-b', { kind: 'retrying', error: 'busy', failures: 1 }],
      ]),
    );
    polling = pollDaemons(loopDeps(config, { ports }), state, stop.signal);
  });

  afterEach(async () => {
    stop.abort();
    await polling;
  });

  /** Whether the next look at the files has the host configured again. */
  async function raises(): Promise<boolean> {
    const { count } = state.reconfigure;
    const before = looks;
    while (looks === before) await setImmediate();
    await setImmediate();
    return state.reconfigure.count > count;
  }

  it('has CNI files written again that somebody removed or changed, of networks that are configured', async () => {
    expect(await raises()).toBe(false);
    const name = '99-overlay-a.conflist';
    const content = conflists.files.get(name) ?? '';
    conflists.files.delete(name);
    expect(await raises()).toBe(true);
    conflists.files.set(name, content.replace('1420', '1500'));
    expect(await raises()).toBe(true);
    conflists.files.set(name, content);
    conflists.files.delete('99-overlay-b.conflist');
    expect(await raises()).toBe(false);
  });
});

describe('pollDaemons and the dataplane', () => {
  it('has the host configured when a network that had failed is well, and at no other time', async () => {
    const config = agentConfiguration.parse({ ip: '10.0.0.1', network_config: {} });
    const dataplane = new FakeDataplane();
    await dataplane.applyHost(planHost(exampleRegistration([exampleNetwork('a', 1)]), config.network));
    const deps = loopDeps(config, { ports: { ...hostPorts(new FakeDockerNetworks()), dataplane } });
    const state = new AgentState(config.network);
    const raisedBy = async () => {
      const before = state.reconfigure.count;
      const ended = new AbortController();
      const { signal } = ended;
      const polled = state.changed.within(state.changed.count, 50, deps.clock, signal);
      const polling = pollDaemons(deps, state, signal);
      await polled;
      ended.abort();
      await polling;
      return state.reconfigure.count - before;
    };
    expect(await raisedBy()).toBe(0);
    dataplane.failing.set('a', 'no underlay device');
    expect(await raisedBy()).toBe(0);
    dataplane.failing.clear();
    expect(await raisedBy()).toBe(1);
    expect(await raisedBy()).toBe(0);
  });
});

describe('pollDaemons and overlay-ipam', () => {
  it('has the host configured when a pool is gone that it had been given, and at no other time', async () => {
    const config = agentConfiguration.parse({ ip: '10.0.0.1', heartbeat_ms: 100 });
    let asked = 0;
    class WatchedIpam extends FakeIpam {
      override getCapacity() {
        asked += 1;
        return super.getCapacity();
      }
    }
    const ipam = new WatchedIpam();
    const state = new AgentState(config.network);
    const registration = exampleRegistration([exampleNetwork('a', 1)]);
    const ports = { ...hostPorts(new FakeDockerNetworks()), ipam };
    const stop = new AbortController();
    await configurePass(registration, config, ports, FIRST_PASS, () => false, stop.signal);
    state.setRegistration(registration);
    state.setProgress(new Map([['id-a', { kind: 'configured' }]]));
    const { pools } = ipam;
    const polling = pollDaemons(loopDeps(config, { ports }), state, stop.signal);
    /** Whether the next answer of overlay-ipam has the host configured again. */
    const raises = async () => {
      const [{ count }, before] = [state.reconfigure, asked];
      state.poll.raise();
      while (asked === before) await setImmediate();
      await setImmediate();
      return state.reconfigure.count > count;
    };
    try {
      expect(await raises()).toBe(false);
      await ipam.configurePools([]);
      expect(await raises()).toBe(true);
      await ipam.configurePools(pools);
      expect(await raises()).toBe(false);
    } finally {
      stop.abort();
      await polling;
    }
  });

  it('tells the addresses of a daemon that is away for long as silent, until it answers again', async () => {
    const config = agentConfiguration.parse({ ip: '10.0.0.1', heartbeat_ms: 100 });
    const ipam = new FakeIpam();
    ipam.capacities.push(Capacity.create({ network: 'a', total: 5n, free: 5n }));
    const ports = { ...hostPorts(new FakeDockerNetworks()), ipam };
    const timings = { ...AGENT_TIMINGS, silentAfterMs: 0 };
    const state = new AgentState(config.network);
    const stop = new AbortController();
    const polling = pollDaemons(loopDeps(config, { ports, timings }), state, stop.signal);
    const shows = async (wanted: Partial<Capacity>) => {
      state.poll.raise();
      while (state.capacities[0]?.silent !== wanted.silent) await setImmediate();
      expect(state.capacities).toMatchObject([wanted]);
    };
    await shows({ free: 5n, silent: false });
    ipam.away = true;
    await shows({ free: 5n, silent: true });
    ipam.away = false;
    await shows({ free: 5n, silent: false });
    stop.abort();
    await polling;
  });
});
