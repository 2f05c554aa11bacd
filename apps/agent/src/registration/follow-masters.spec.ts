import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RegisterAgentResponse } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { agentConfiguration } from '@overlay/model';
import { type Clock, Readiness } from '@overlay/service';
import { declareMetrics } from '../agent-metrics.js';
import { AgentState } from '../agent-state.js';
import { exampleNetwork, exampleRegistration } from '../configuration/example-registration.js';
import { Prober } from '../probe/prober.js';
import { loopDeps } from '../testing.js';
import { TopologyStore } from '../topology/topology-store.js';
import { AssignmentFile } from './assignment-file.js';
import { FakeMasters } from './fake-masters.js';
import { followMasters } from './follow-masters.js';

let folder: string;
let store: TopologyStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlay-masters-'));
  store = new TopologyStore(folder);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const registration = exampleRegistration([exampleNetwork('dcos', 0)]);
const unreachable = new OverlayError('unavailable', 'connection refused');

/**
 * Follows masters at ports 1, 2, … until it has waited `rounds` times between its rounds over them.
 * @param onWait told of each wait by its number, from 1
 */
async function follow(
  answers: readonly (RegisterAgentResponse | OverlayError)[],
  rounds: number,
  masters = new FakeMasters(),
  onWait: (wait: number) => void = () => undefined,
) {
  for (const [index, answer] of answers.entries()) masters.answers.set(index + 1, answer);
  const waits: number[] = [];
  const stop = new AbortController();
  const clock: Clock = {
    nowMs: () => 0,
    monotonicMs: () => 0,
    async sleep(durationMs, signal) {
      if (signal !== stop.signal) return;
      onWait(waits.push(durationMs));
      if (waits.length === rounds) stop.abort();
    },
  };
  const state = new AgentState(agentConfiguration.defaults().network);
  const readiness = new Readiness();
  const config = agentConfiguration.parse({ ip: '10.0.0.1', master: ['10.0.0.8:1', '10.0.0.9:2'] });
  const loop = loopDeps(config, { clock, readiness, connectMaster: masters.connect });
  const metrics = declareMetrics(loop.metrics, state, store);
  const prober = new Prober({ containers: () => [], stranded: () => [], clock: loop.clock });
  const file = new AssignmentFile(folder);
  await followMasters({ loop, state, metrics, store, file, prober }, stop.signal);
  return { asked: masters.asked, watched: masters.watched, open: masters.open, waits, state, readiness };
}

describe('followMasters', () => {
  it('asks every master in turn and waits longer after each round in vain', async () => {
    const { asked, open, waits } = await follow([unreachable, unreachable], 8);
    expect(asked).toStrictEqual(Array.from({ length: 8 }, () => [1, 2]).flat());
    expect(waits).toStrictEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    expect(open).toBe(0);
  });

  it('takes the assignment of the first master that accepts the node, on disk before in force', async () => {
    const { asked, state } = await follow([unreachable, registration], 1);
    expect(asked).toStrictEqual([1, 2]);
    expect(state.registration).toStrictEqual(registration);
    expect(await new AssignmentFile(folder).read()).toStrictEqual(registration);
  });

  it('asks another master first when a session breaks, and the one that named its leader again', async () => {
    const accepting = await follow([registration, registration], 3);
    expect(accepting.asked).toStrictEqual([1, 2, 1]);
    const follower = new OverlayError('unavailable', 'not the leader', { leader: '10.0.0.7:3' });
    const { asked } = await follow([follower, unreachable, registration], 2);
    expect(asked).toStrictEqual([1, 3, 1, 3]);
  });

  it('waits anew from the shortest after a session, and longer after each that was brief', async () => {
    const masters = new FakeMasters();
    const { waits } = await follow([unreachable, unreachable], 7, masters, (wait) => {
      if (wait === 4) masters.answers.set(1, registration);
      if (wait === 6) masters.answers.delete(1);
    });
    expect(waits).toStrictEqual([250, 500, 1000, 2000, 250, 500, 250]);
  });

  it('waits no longer and longer while masters name a leader that is gone', async () => {
    const masters = new FakeMasters();
    const follower = new OverlayError('unavailable', 'not the leader', { leader: '10.0.0.7:3' });
    const electing = new OverlayError('unavailable', 'no master leads');
    const { asked, waits } = await follow([unreachable, follower], 8, masters, (wait) => {
      if (wait === 6) masters.answers.set(2, electing);
    });
    expect(waits).toStrictEqual([1000, 1000, 1000, 1000, 1000, 1000, 500, 1000]);
    expect(asked.slice(0, 3)).toStrictEqual([1, 2, 3]);
  });

  it('resumes the topology with the term of its revision', async () => {
    await store.replace([], 5n, 'a1b2');
    const { watched } = await follow([registration], 1);
    expect(watched[0]).toMatchObject({ fromRevision: 5n, fromTerm: 'a1b2' });
  });

  it('asks the leader that a follower names right after it', async () => {
    const follower = new OverlayError('unavailable', 'not the leader', { leader: '10.0.0.7:3' });
    const { asked, state } = await follow([follower, unreachable, registration], 1);
    expect(asked).toStrictEqual([1, 3]);
    expect(state.registration).toStrictEqual(registration);
  });

  it('passes over a leader that is no address', async () => {
    const follower = new OverlayError('unavailable', 'not the leader', { leader: 'somewhere' });
    expect((await follow([follower, unreachable], 1)).asked).toStrictEqual([1, 2]);
  });

  it.each(['invalid_argument', 'already_exists', 'resource_exhausted'] as const)(
    'tries slowly after %s and says why',
    async (code) => {
      const refusal = new OverlayError(code, 'not this node');
      const { waits, state, readiness } = await follow([unreachable, refusal], 2);
      expect(waits).toStrictEqual([5_000, 10_000]);
      expect(state.rejection).toContain('not this node');
      expect(readiness.reasons().join()).toContain('not this node');
    },
  );
});
