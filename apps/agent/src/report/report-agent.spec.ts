import { describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import { agentConfiguration } from '@overlay/model';
import { type Clock, systemClock } from '@overlay/service';
import { AgentState } from '../agent-state.js';
import { FakeMasters } from '../registration/fake-masters.js';
import { loopDeps } from '../testing.js';
import { reportAgent } from './report-agent.js';

const { signal } = new AbortController();

/** Reports to a master that answers as told, in turn, and then is gone. */
async function report(answers: readonly OverlayError[]) {
  const config = agentConfiguration.parse({ ip: '10.0.0.1', heartbeat_ms: 700 });
  const sleeps: number[] = [];
  const clock: Clock = {
    ...systemClock,
    sleep: async (durationMs) => {
      sleeps.push(durationMs);
    },
  };
  const masters = new FakeMasters();
  const deps = loopDeps(config, { clock, connectMaster: masters.connect });
  const left = [...answers];
  const link = {
    ...masters.connect({ host: '10.0.0.8', port: 1 }),
    report: async () => {
      throw left.shift() ?? new OverlayError('unavailable', 'gone');
    },
  };
  const ended = reportAgent(deps, new AgentState(config.network), link, signal, () => undefined);
  await expect(ended).rejects.toMatchObject({ code: 'unavailable' });
  return { left, sleeps };
}

describe('reportAgent', () => {
  it('goes on after a report that is refused for its size, not before the next heartbeat', async () => {
    const tooLarge = new OverlayError('resource_exhausted', 'Received message larger than max');
    expect(await report([tooLarge, tooLarge])).toEqual({ left: [], sleeps: [700, 700] });
  });

  it('ends when the master cannot be reached', async () => {
    expect(await report([new OverlayError('unavailable', 'connection refused')])).toMatchObject({
      sleeps: [],
    });
  });
});
