import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { NetworkStatus } from '@overlay/contracts';
import { type Host, Testbed } from '@overlay/testbed';
import { hostRequest, peer, snapshot } from './cluster-topology.js';
import { DataplaneDriver } from './dataplane-driver.js';

jest.setTimeout(60_000);

describe('a program that hangs', () => {
  let testbed: Testbed;
  let host: Host;
  let driver: DataplaneDriver;
  let programs = '';

  beforeEach(async () => {
    testbed = await Testbed.create({ hosts: 1 });
    host = testbed.host('h1');
    programs = mkdtempSync(join(tmpdir(), 'overlay-programs-'));
    driver = new DataplaneDriver(host);
  });

  afterEach(async () => {
    driver?.close();
    await testbed?.close();
    rmSync(programs, { recursive: true, force: true });
  });

  it.each(['ethtool', 'iptables-nft-save'])('costs what depends on it, if it is %s', async (program) => {
    const path = join(programs, program);
    writeFileSync(path, '#!/bin/sh\nexec sleep 60\n');
    chmodSync(path, 0o755);
    await host.dataplane.start({ env: { PATH: `${programs}:${process.env.PATH}` } });
    const networks = async () => {
      const { networks: standings } = await driver.applyHost({
        ...hostRequest(1, host.address.ipv4),
        commandTimeoutMs: 5_000,
      });
      return standings.map(({ state }) => [state?.status, state?.error]);
    };
    const fine = [
      [NetworkStatus.OK, ''],
      [NetworkStatus.OK, ''],
    ];
    expect(await networks()).toEqual(fine);
    await driver.applyPeers(snapshot([peer(1, host.address.ipv4), peer(2, '198.51.100.2')]));
    const { failures, warnings } = await driver.status();
    expect(failures).toEqual([]);
    expect(warnings.join('\n')).toContain(`${program} -`);
    expect(warnings.join('\n')).toContain('does not answer');
    await host.ip('route del 9.0.2.0/24', 'link set m-dcos mtu 1300');
    const healed = async () =>
      (await host.execOrFail(['ip', 'route', 'show', '9.0.2.0/24'])).includes('nhid') &&
      (await host.execOrFail(['ip', 'link', 'show', 'm-dcos'])).includes('mtu 1420');
    while (!(await healed())) await new Promise((resolve) => setTimeout(resolve, 50));
    rmSync(path);
    const warned = async () => {
      await networks();
      return (await driver.status()).warnings.some((warning) => warning.includes('does not answer'));
    };
    while (await warned()) await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await networks()).toEqual(fine);
  });
});
