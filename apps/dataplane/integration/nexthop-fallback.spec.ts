import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { parseIpAddress } from '@overlay/allocation';
import { type Host, Testbed } from '@overlay/testbed';
import { type CommandRunner, processRunner } from '../src/kernel/iproute/command-runner.js';
import { iprouteTables } from '../src/kernel/iproute/iproute-tables.js';
import { wholeKinds } from '../src/reconcile/check-scope.js';
import type { ReconcilerSettings } from '../src/reconcile/kernel-observer.js';
import { ALL_KINDS } from '../src/reconcile/plan-check.js';
import { Reconciler } from '../src/reconcile/reconciler.js';
import { batch, HOST, peer } from '../src/reconcile/testing/host-fixture.js';
import { sysctlsThrough } from './sysctls-through.js';

jest.setTimeout(60_000);

/** What a kernel before 5.3 says to `ip nexthop`. */
function withoutNexthops(runner: CommandRunner): CommandRunner {
  return {
    run(command, args, input, timeoutMs) {
      if (!args.includes('nexthop') && !input.includes('nexthop'))
        return runner.run(command, args, input, timeoutMs);
      return Promise.resolve({
        exitCode: 2,
        stdout: '',
        stderr: 'RTNETLINK answers: Operation not supported',
      });
    },
  };
}

describe('a kernel without nexthop objects', () => {
  let testbed: Testbed;
  let host: Host;
  const routes = async () => {
    const main = await host.execOrFail(['ip', 'route', 'show', 'proto', '142']);
    const six = await host.execOrFail(['ip', '-6', 'route', 'show', 'proto', '142']);
    return `${main}${six}${await host.execOrFail(['ip', 'route', 'show', 'table', '42'])}`;
  };
  const reconcile = async (settings: ReconcilerSettings, wrap = (runner: CommandRunner) => runner) => {
    const runner = processRunner(host.enter);
    const tables = iprouteTables({ runner: wrap(runner), sysctls: sysctlsThrough(runner) });
    const reconciler = new Reconciler(tables, settings);
    await reconciler.applyHost({ ...HOST, ip: parseIpAddress(host.address.ipv4) });
    await reconciler.applyPeers(batch(peer(1, 1, 100), peer(2, 2, 101)), true);
    expect([...reconciler.failures.values()]).toEqual([]);
    expect(await reconciler.check(wholeKinds(ALL_KINDS))).toEqual({ found: [], repaired: [], written: 0 });
    return reconciler;
  };

  beforeEach(async () => {
    testbed = await Testbed.create({ hosts: 1 });
    host = testbed.host('h1');
  });

  afterEach(() => testbed?.close());

  it('gets routes that name their gateways, in both families and table 42, and is told so', async () => {
    const reconciler = await reconcile({ nexthopObjects: 'auto' }, withoutNexthops);
    expect(reconciler.warnings).toEqual([expect.stringContaining('this kernel has no nexthop objects')]);
    expect(await host.execOrFail(['ip', 'nexthop', 'show'])).toBe('');
    expect(await routes()).toMatch(/9\.0\.1\.0\/26 via 44\.128\.0\.2 dev vtep1024/);
    expect(await routes()).toMatch(/fd01:b:0:0:1::\/80 via fd01:a::2 dev vtep1024/);
    expect(await routes()).toMatch(/10\.0\.0\.101 via 44\.128\.0\.2 dev vtep1024/);
    await host.ip('route del 9.0.1.0/26');
    expect(await reconciler.check(wholeKinds(ALL_KINDS))).toMatchObject({ written: 1 });
  });

  it('changes over in place when the configuration says so, and back', async () => {
    await reconcile({ nexthopObjects: 'auto' });
    const through = await routes();
    expect(through).toContain('nhid');
    await reconcile({ nexthopObjects: 'off' });
    expect(await routes()).not.toContain('nhid');
    expect(await host.execOrFail(['ip', 'nexthop', 'show'])).toBe('');
    await reconcile({ nexthopObjects: 'auto' });
    expect((await routes()).split('\n').sort()).toEqual(through.split('\n').sort());
  });
});
