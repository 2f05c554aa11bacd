import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type AgentNetwork, NetworkPhase } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { agentConfiguration } from '@overlay/model';
import { type Clock, systemClock } from '@overlay/service';
import { declareMetrics } from '../agent-metrics.js';
import { AgentState } from '../agent-state.js';
import { AGENT_TIMINGS } from '../agent-timings.js';
import { FakeDataplane } from '../daemons/fake-dataplane.js';
import { NO_DOCKER } from '../docker/docker-picture.js';
import { FakeDockerNetworks } from '../docker/fake-docker-networks.js';
import { hostPorts, loopDeps } from '../testing.js';
import { TopologyStore } from '../topology/topology-store.js';
import { configureHost } from './configure-host.js';
import { exampleNetwork, exampleRegistration } from './example-registration.js';

/** A clock on which no time passes: it notes the waits, and ends as many as it has left. */
class NotedWaits implements Clock {
  readonly waits: number[] = [];
  left = 0;
  readonly nowMs = systemClock.nowMs;
  readonly monotonicMs = systemClock.monotonicMs;

  async sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    this.waits.push(durationMs);
    while (this.left === 0 && signal?.aborted !== true) await setImmediate();
    if (signal?.aborted !== true) this.left -= 1;
  }
}

describe('configureHost', () => {
  const folder = mkdtempSync(join(tmpdir(), 'overlay-configure-'));
  const config = agentConfiguration.parse({ ip: '10.0.0.1', state_dir: folder });
  let store: TopologyStore;
  let dataplane: FakeDataplane;
  let clock: NotedWaits;
  let state: AgentState;
  let stop: AbortController;
  let configuring: Promise<void>;

  beforeEach(() => {
    store = new TopologyStore(folder);
    dataplane = new FakeDataplane();
    clock = new NotedWaits();
    state = new AgentState(config.network);
    stop = new AbortController();
    const ports = { ...hostPorts(new FakeDockerNetworks()), dataplane };
    const deps = loopDeps(config, { clock, ports });
    const metrics = declareMetrics(deps.metrics, state, store);
    state.setDocker(NO_DOCKER);
    configuring = configureHost(deps, state, metrics, stop.signal);
  });

  afterEach(async () => {
    stop.abort();
    await configuring;
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function assign(networks: readonly AgentNetwork[], deleting: readonly string[] = []): void {
    const registration = exampleRegistration(networks);
    state.setRegistration({
      ...registration,
      networks: registration.networks.map((one) =>
        deleting.includes(one.id) ? { ...one, phase: NetworkPhase.DELETING } : one,
      ),
    });
  }

  async function until(met: () => boolean): Promise<void> {
    while (!met()) await setImmediate();
  }

  /** Lets the loop wait so many times more, to the end of the last. */
  async function wait(times: number): Promise<void> {
    const { length } = clock.waits;
    clock.left = times;
    await until(() => clock.waits.length === length + times);
  }

  describe('while something of a deleted network stays in the kernel', () => {
    const networks = ['a', 'b', 'c'].map((name, at) => exampleNetwork(name, at + 1));

    beforeEach(async () => {
      dataplane.staying.set('id-b', 'iptables-legacy-restore: Permission denied');
      assign(networks, ['id-b', 'id-c']);
      await until(() => clock.waits.length === 1);
    });

    it('has that removed again, less and less often, and describes the host no more', async () => {
      await wait(20);
      expect([dataplane.descriptions, state.configurationAttempts]).toEqual([1, 1]);
      // Both once, then only what stays.
      expect(dataplane.removals).toBe(2 + 20);
      expect(clock.waits.slice(0, 3)).toEqual([250, 500, 1000]);
      expect(clock.waits.slice(8)).toEqual(Array.from({ length: 13 }, () => AGENT_TIMINGS.failedRetryMs));
      expect(state.removed).toEqual(['id-c']);
    });

    it('tells when it is gone, and then rests', async () => {
      dataplane.staying.clear();
      clock.left = 1;
      await until(() => state.removed.length === 2);
      expect(state.removed).toEqual(['id-c', 'id-b']);
      for (let turn = 0; turn < 20; turn += 1) await setImmediate();
      expect([clock.waits.length, dataplane.removals]).toEqual([1, 3]);
    });

    it('takes up another assignment at once, and starts with short waits again', async () => {
      await wait(10);
      assign([...networks, exampleNetwork('d', 4)], ['id-b', 'id-c']);
      await until(() => clock.waits.length === 12);
      expect(dataplane.descriptions).toBe(2);
      expect(clock.waits.at(-1)).toBe(AGENT_TIMINGS.local.baseMs);
    });
  });

  describe('while the dataplane is at work', () => {
    let finish: () => void;

    beforeEach(async () => {
      dataplane.work = new Promise((resolve) => {
        finish = resolve;
      });
      assign([exampleNetwork('a', 1)]);
      await until(() => dataplane.descriptions === 1);
    });

    it('ends at once when it is told to', async () => {
      stop.abort();
      await configuring;
      expect(dataplane.host).toBeUndefined();
    });

    it('lets it finish, and then describes the host as it shall be by now', async () => {
      for (const count of [2, 3, 4])
        assign(Array.from({ length: count }, (_, at) => exampleNetwork(`n${at}`, at)));
      finish();
      await until(() => state.progress.size === 4);
      expect(dataplane.descriptions).toBe(2);
      expect(dataplane.host?.networks).toHaveLength(4);
    });
  });

  it('does not say of a network that became isolated that it is configured before it is enforced', async () => {
    assign([exampleNetwork('a', 1), exampleNetwork('b', 2)]);
    await until(() => state.progress.get('id-a')?.kind === 'configured');
    let finish: () => void = () => undefined;
    dataplane.work = new Promise((resolve) => {
      finish = resolve;
    });
    assign([exampleNetwork('a', 1, true), exampleNetwork('b', 2)]);
    await until(() => dataplane.descriptions === 2);
    expect(state.progress.get('id-a')).toEqual({ kind: 'pending' });
    expect(state.progress.get('id-b')).toEqual({ kind: 'configured' });
    dataplane.trouble = new OverlayError('unavailable', 'nft: Operation not permitted');
    finish();
    await until(() => state.progress.get('id-a')?.kind === 'failed');
    expect(state.progress.get('id-b')).toMatchObject({ kind: 'waiting' });
    dataplane.trouble = undefined;
    clock.left = 1;
    await until(() => state.progress.get('id-a')?.kind === 'configured');
  });
});
