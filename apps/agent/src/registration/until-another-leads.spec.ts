import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import { agentConfiguration } from '@overlay/model';
import { loopDeps } from '../testing.js';
import { FakeMasters } from './fake-masters.js';
import type { ConnectMaster } from './master-link.js';
import { connectOthers } from './other-masters.js';
import { untilAnotherLeads } from './until-another-leads.js';

const MASTERS = ['10.0.0.8:1', '10.0.0.8:2', '10.0.0.8:3'];
const OWN = { host: '10.0.0.8', port: 1 };

/** Watches masters 2 and 3 beside a session with 1. */
function watch(masters: FakeMasters, connectMaster: ConnectMaster = masters.connect) {
  const stop = new AbortController();
  const config = agentConfiguration.parse({ ip: '10.0.0.1', master: MASTERS });
  const loop = loopDeps(config, { connectMaster, random: () => 0 });
  const found = untilAnotherLeads(loop, connectOthers(loop, OWN), stop.signal);
  const lead = async (...ports: readonly number[]) => {
    // What they say first has been heard by then.
    for (let turn = 0; turn < 20; turn += 1) await setImmediate();
    masters.leading.clear();
    for (const port of ports) masters.leading.add(port);
    masters.leadershipChanged.raise();
    for (let turn = 0; turn < 20; turn += 1) await setImmediate();
  };
  return { found, lead, stop };
}

describe('untilAnotherLeads', () => {
  it('names the master that begins to lead', async () => {
    const masters = new FakeMasters();
    masters.leading.add(1);
    const { found, lead } = watch(masters);
    await lead(1);
    await lead(3);
    expect(await found).toBe('10.0.0.8:3');
  });

  it("passes over the session's own master by another name, and one that has not heard of its end", async () => {
    const masters = new FakeMasters();
    masters.leading.add(2);
    const { found, lead, stop } = watch(masters);
    await lead(2);
    await lead();
    stop.abort();
    expect(await found).toBeUndefined();
  });

  it('goes on where a master was away meanwhile', async () => {
    const masters = new FakeMasters();
    let broken = 0;
    const { found, lead } = watch(masters, (address) => ({
      ...masters.connect(address),
      async *watchLeading() {
        yield masters.leading.has(address.port);
        broken += 1;
        await setImmediate();
        throw new OverlayError('unavailable', 'connection reset');
      },
    }));
    await lead(2);
    expect(await found).toBe('10.0.0.8:2');
    expect(broken).toBeGreaterThan(1);
  });
});
