import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import type { HostDescription } from '../src/desired/host-description.js';
import { planHost } from '../src/desired/plan-host.js';
import type { TablesUnderTest } from '../src/kernel/contract/tables-steps.js';
import { processRunner } from '../src/kernel/iproute/command-runner.js';
import { iprouteTables } from '../src/kernel/iproute/iproute-tables.js';
import { ipMonitor, nftMonitor } from '../src/kernel/iproute/monitors.js';
import { attributesOf } from '../src/kernel/kernel-object.js';
import { describeKernelTables } from '../src/kernel/kernel-tables-contract.js';
import { describeKernelWatch, type WatchUnderTest } from '../src/kernel/kernel-watch-contract.js';
import { DCOS, HOST, isolated } from '../src/reconcile/testing/host-fixture.js';
import { sysctlsThrough } from './sysctls-through.js';

async function openNamespace(): Promise<TablesUnderTest & WatchUnderTest> {
  const name = `dpc${process.pid}-${randomBytes(3).toString('hex')}`;
  const outside = processRunner();
  const made = await outside.run('ip', ['netns', 'add', name], '', 5_000);
  if (made.exitCode !== 0) throw new OverlayError('failed_precondition', made.stderr);
  const enter = ['nsenter', `--net=/run/netns/${name}`, '--'];
  const inside = processRunner(enter);
  const runOrFail = async (command: string, ...args: readonly string[]) => {
    const { exitCode, stderr } = await inside.run(command, args, '', 5_000);
    if (exitCode !== 0) throw new OverlayError('failed_precondition', stderr);
  };
  // A namespace begins with the IPv4 settings of the first one, and a setting that stays as it is is no event.
  await runOrFail('sysctl', '-qw', 'net.ipv4.ip_forward=0');
  return {
    tables: iprouteTables({ runner: inside, sysctls: sysctlsThrough(inside) }),
    watches: [ipMonitor(enter), nftMonitor(enter)],
    makeVeth: (device) =>
      runOrFail('ip', 'link', 'add', device, 'type', 'veth', 'peer', 'name', `${device}p`),
    rename: (device, name) => runOrFail('ip', 'link', 'set', device, 'name', name),
    addForeignRoute: ({ text }) => runOrFail('ip', 'route', 'prepend', ...text.split(' ')),
    makeDockerChains: async (chains) => {
      for (const { backend, family } of chains)
        await runOrFail(`${family === 4 ? 'iptables' : 'ip6tables'}-${backend}`, '-N', 'DOCKER-USER');
    },
    close: async () => {
      await outside.run('ip', ['netns', 'del', name], '', 5_000);
    },
  };
}

describeKernelTables('iproute2 and nftables', openNamespace);
describeKernelWatch('ip monitor and nft monitor', openNamespace);

/** `host` with one bridge for both runtimes. */
function sharing(host: HostDescription): HostDescription {
  const cniBridge = { name: 'o-dcos', halves: [parseCidr('9.0.0.0/26'), parseCidr('fd01:b::/80')] };
  return { ...host, networks: host.networks.map((network) => ({ ...network, cniBridge })) };
}

/** `host` with IPv4 only. */
function only4(host: HostDescription): HostDescription {
  const subnets = DCOS.subnets.filter((subnet) => !subnet.includes(':'));
  return { ...host, clusterNetworks: host.clusterNetworks.map((network) => ({ ...network, subnets })) };
}

describe('tables as nft lists them', () => {
  it.each([
    ['of an open network', HOST],
    ['of an isolated network', isolated()],
    ['of an isolated network of one family', only4(isolated())],
    ['of an isolated network with a shared pool', sharing(isolated())],
    ['of an isolated network of one family with a shared pool', only4(sharing(isolated()))],
  ])('are as the planner spells them: %s', async (_of, host) => {
    const { tables, close } = await openNamespace();
    try {
      const wanted = planHost(host).filter(({ kind }) => kind === 'nftables');
      const options = { timeoutMs: 5_000 };
      const changes = wanted.map((object) => ({ op: 'add', object }) as const);
      expect(await tables.apply(changes, options)).toEqual([]);
      const scope = { vtep: host.vtep.name, devices: [], sysctls: [], kinds: new Set(['nftables'] as const) };
      const { objects } = await tables.read(scope, options);
      expect(objects.map(attributesOf)).toEqual(wanted.map(attributesOf));
    } finally {
      await close();
    }
  });
});
