import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { agentConfiguration } from '@overlay/model';
import type { Clock } from '@overlay/service';
import { declareMetrics } from '../agent-metrics.js';
import { AgentState } from '../agent-state.js';
import { exampleNetwork, exampleRegistration } from '../configuration/example-registration.js';
import { Prober } from '../probe/prober.js';
import { loopDeps } from '../testing.js';
import { TopologyStore } from '../topology/topology-store.js';
import { untilAborted } from '../until-aborted.js';
import { AssignmentFile } from './assignment-file.js';
import { FakeMasters } from './fake-masters.js';
import type { ConnectMaster } from './master-link.js';
import { runMasterSession } from './master-session.js';

const GAP_MS = 500;

let folder: string;
let store: TopologyStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlay-session-'));
  store = new TopologyStore(folder);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('runMasterSession', () => {
  it('registers again as soon as it is asked to, and a second time when the gap is over', async () => {
    const masters = new FakeMasters();
    masters.answers.set(1, exampleRegistration([exampleNetwork('dcos', 0)]));
    let nowMs = 0;
    const clock: Clock = {
      nowMs: () => 0,
      monotonicMs: () => nowMs,
      async sleep(durationMs, signal = new AbortController().signal) {
        if (durationMs > GAP_MS) await untilAborted(signal);
        else if (durationMs === GAP_MS) nowMs += durationMs;
      },
    };
    const registeredAtMs: number[] = [];
    let watched: () => void = () => undefined;
    const watching = new Promise<void>((resolve) => {
      watched = resolve;
    });
    const connectMaster: ConnectMaster = (address) => {
      const link = masters.connect(address);
      return {
        ...link,
        register(request, signal) {
          registeredAtMs.push(nowMs);
          return link.register(request, signal);
        },
        async *watchTopology(_request, signal) {
          watched();
          await untilAborted(signal);
          yield* [];
        },
      };
    };
    const registered = async (times: number) => {
      while (registeredAtMs.length < times) await setImmediate();
    };
    const config = agentConfiguration.parse({ ip: '10.0.0.1' });
    const state = new AgentState(config.network);
    const loop = loopDeps(config, { clock, connectMaster });
    const metrics = declareMetrics(loop.metrics, state, store);
    const prober = new Prober({ containers: () => [], stranded: () => [], clock });
    const file = new AssignmentFile(folder);
    const stop = new AbortController();
    const address = { host: '10.0.0.8', port: 1 };
    const deps = { loop, state, metrics, store, file, session: 's1', prober };
    const session = runMasterSession(deps, address, () => undefined, stop.signal);
    await watching;
    nowMs = 10_000;
    state.registerAgain.raise();
    await registered(2);
    state.registerAgain.raise();
    await registered(3);
    stop.abort();
    await session;
    expect(registeredAtMs).toStrictEqual([0, 10_000, 10_000 + GAP_MS]);
  });

  it('ends when another master begins to lead, whatever its own one says', async () => {
    const masters = new FakeMasters();
    masters.answers.set(1, exampleRegistration([exampleNetwork('dcos', 0)]));
    const connectMaster: ConnectMaster = (address) => ({
      ...masters.connect(address),
      async *watchTopology(_request, signal) {
        await untilAborted(signal);
        yield* [];
      },
      async *watchProbes(_nodeId, signal) {
        await untilAborted(signal);
        yield* [];
      },
    });
    const config = agentConfiguration.parse({ ip: '10.0.0.1', master: ['10.0.0.8:1', '10.0.0.8:2'] });
    const state = new AgentState(config.network);
    const loop = loopDeps(config, { connectMaster });
    const deps = {
      loop,
      state,
      metrics: declareMetrics(loop.metrics, state, store),
      store,
      file: new AssignmentFile(folder),
      session: 's1',
      prober: new Prober({ containers: () => [], stranded: () => [], clock: loop.clock }),
    };
    let registered = false;
    const onRegistered = () => {
      registered = true;
    };
    const { signal } = new AbortController();
    const session = runMasterSession(deps, { host: '10.0.0.8', port: 1 }, onRegistered, signal);
    const ended = expect(session).rejects.toMatchObject({
      code: 'unavailable',
      message: '10.0.0.8:2 leads now',
    });
    while (!registered) await setImmediate();
    for (let turn = 0; turn < 20; turn += 1) await setImmediate();
    masters.leading.add(2);
    masters.leadershipChanged.raise();
    await ended;
    expect(masters.open).toBe(0);
  });
});
