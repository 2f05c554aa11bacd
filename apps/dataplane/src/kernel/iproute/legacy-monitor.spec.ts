import { describe, expect, it } from '@jest/globals';
import type { CommandRunner } from './command-runner.js';
import { legacyMonitor } from './legacy-monitor.js';

const FILTER = '*filter\n:FORWARD DROP [3:4]\n:DOCKER-USER - [0:0]\n';
const OURS = '-A DOCKER-USER -s 9.0.0.0/8 -m comment --comment overlay -j ACCEPT\n';
const RETURN = '-A DOCKER-USER -j RETURN\n';

/** Looks that find these filter tables, one after the other; undefined: none. Tells at which there was an event. */
async function looks(tables: readonly (string | undefined)[]): Promise<readonly number[]> {
  const stop = new AbortController();
  let look = 0;
  const runner: CommandRunner = {
    run(command, args) {
      const table = tables[look];
      const there = command === 'cat' ? args[0] === '/proc/net/ip_tables_names' : true;
      const stdout = table === undefined || !there ? '' : command === 'cat' ? 'filter\n' : table;
      return Promise.resolve({ exitCode: 0, stdout, stderr: '' });
    },
  };
  const sleep = () => {
    look += 1;
    if (look === tables.length) stop.abort();
    return Promise.resolve();
  };
  const events: number[] = [];
  const monitor = legacyMonitor({ runner, sleep, intervalMs: 1 });
  for await (const batch of monitor.watch(stop.signal)) if (batch.length > 0) events.push(look);
  return events;
}

describe('legacyMonitor', () => {
  it('tells when the chain comes, changes and goes, and nothing while it stays', async () => {
    const whole = `${FILTER}${OURS}${RETURN}`;
    const tables = [undefined, whole, whole, `${whole}-A DOCKER-USER -j LOG\n`, undefined, undefined];
    expect(await looks(tables)).toEqual([1, 3, 4]);
  });

  it('does not mind counters and other chains', async () => {
    const whole = `${FILTER}${OURS}${RETURN}`;
    const busy = whole.replace('[0:0]', '[7:9]').replace('COMMIT', '-A FORWARD -j ACCEPT');
    expect(await looks([whole, busy])).toEqual([0]);
  });

  it('goes on telling as long as the chain is without a rule of ours', async () => {
    expect(await looks([`${FILTER}${RETURN}`, `${FILTER}${RETURN}`, `${FILTER}${OURS}`])).toEqual([0, 1, 2]);
  });
});
