import { describe, expect, it } from '@jest/globals';
import { parseIpAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import type { CommandResult, CommandRunner } from './command-runner.js';
import { KernelReader } from './kernel-reader.js';

const EMPTY: CommandResult = { exitCode: 0, stdout: '', stderr: '' };
const OURS = { priority: 30042, src: '9.0.0.0', srclen: 8, table: '42', protocol: '142' };
const RULE4 = JSON.stringify([OURS]);

/** Reads everything, with this answer to `ip -6 rule show`. */
function readWith(rules6: CommandResult) {
  const runner: CommandRunner = {
    run(_command, args) {
      if (args.join(' ') === '-json -N -6 rule show') return Promise.resolve(rules6);
      return Promise.resolve(args.includes('rule') ? { ...EMPTY, stdout: RULE4 } : EMPTY);
    },
  };
  const sysctls = {
    read: () => Promise.resolve(undefined),
    write: () => Promise.resolve(),
    list: () => Promise.resolve([]),
  };
  const scope = { vtep: 'vtep1024', devices: [], sysctls: ['net/ipv6/conf/all/forwarding'] };
  return new KernelReader(runner, sysctls).read(scope, { timeoutMs: 1_000 });
}

describe('KernelReader', () => {
  it('reads the rest where a program does not answer that only a part depends on', async () => {
    const device = {
      ifname: 'eth0',
      flags: ['UP'],
      mtu: 1500,
      addr_info: [{ local: '10.0.0.1', prefixlen: 24 }],
    };
    const runner: CommandRunner = {
      run(command, args) {
        if (command === 'ethtool' || command === 'ip6tables-nft-save')
          return Promise.reject(new OverlayError('deadline_exceeded', `${command} does not answer`));
        if (args.includes('address')) return Promise.resolve({ ...EMPTY, stdout: JSON.stringify([device]) });
        return Promise.resolve(
          command === 'iptables-nft-save' ? { ...EMPTY, stdout: ':DOCKER-USER - [0:0]' } : EMPTY,
        );
      },
    };
    const sysctls = {
      read: () => Promise.resolve('1'),
      write: () => Promise.resolve(),
      list: () => Promise.resolve([]),
    };
    const underlay = parseIpAddress('10.0.0.1');
    const scope = {
      vtep: 'vtep1024',
      devices: [],
      sysctls: ['net/ipv4/ip_forward'],
      underlay,
      offload: true,
    };
    expect(await new KernelReader(runner, sysctls).read(scope, { timeoutMs: 1_000 })).toMatchObject({
      objects: [{ kind: 'sysctl' }],
      underlay: { device: 'eth0', mtuBytes: 1500 },
      dockerChains: [{ backend: 'nft', family: 4 }],
      silent: [
        { kind: 'link', error: 'ethtool does not answer' },
        { kind: 'docker-accept', error: 'ip6tables-nft-save does not answer' },
      ],
    });
  });

  it('reads the rest of a kernel that was booted without IPv6', async () => {
    const stderr = 'RTNETLINK answers: Address family not supported by protocol\nDump terminated\n';
    const { objects, ipv6 } = await readWith({ exitCode: 255, stdout: '[', stderr });
    expect(objects).toEqual([{ kind: 'rule', source: '9.0.0.0/8', table: 42, priority: 30042 }]);
    expect(ipv6).toBe(false);
  });

  it('takes no rule for ours that has another protocol or asks for more than the source', async () => {
    const { protocol: _, ...unmarked } = { ...OURS, src: 'fd01:b::', srclen: 64 };
    const foreign = [unmarked, { ...unmarked, protocol: '4' }];
    const narrower = [{ iif: 'eth0' }, { not: null }, { fwmark: '0x1' }].map((more) => ({
      ...unmarked,
      protocol: '142',
      ...more,
    }));
    const { objects } = await readWith({ ...EMPTY, stdout: JSON.stringify([...foreign, ...narrower]) });
    expect(objects).toEqual([{ kind: 'rule', source: '9.0.0.0/8', table: 42, priority: 30042 }]);
  });

  it('knows an empty list from none, and passes on what else goes wrong', async () => {
    expect(await readWith({ ...EMPTY, stdout: '[]' })).toMatchObject({ ipv6: true });
    const denied = readWith({ exitCode: 2, stdout: '', stderr: 'Operation not permitted\n' });
    await expect(denied).rejects.toMatchObject({
      code: 'unavailable',
      message: 'ip -json -N -6 rule show failed: Operation not permitted',
    });
  });
});
