import { randomBytes } from 'node:crypto';
import { OverlayError } from '@overlay/failure';
import { processRunner } from '../src/kernel/iproute/command-runner.js';
import { iprouteTables } from '../src/kernel/iproute/iproute-tables.js';
import { ipMonitor, nftMonitor } from '../src/kernel/iproute/monitors.js';
import { describeKernelTables, type TablesUnderTest } from '../src/kernel/kernel-tables-contract.js';
import { describeKernelWatch, type WatchUnderTest } from '../src/kernel/kernel-watch-contract.js';
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
