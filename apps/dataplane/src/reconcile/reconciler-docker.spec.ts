import { beforeEach, describe, expect, it } from '@jest/globals';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import type { DockerChain } from '../kernel/kernel-object.js';
import { wholeKinds } from './check-scope.js';
import { networkStandings } from './network-standing.js';
import { Reconciler } from './reconciler.js';
import { DCOS, HOST } from './testing/host-fixture.js';

const NFT4: DockerChain = { backend: 'nft', family: 4 };
const LEGACY6: DockerChain = { backend: 'legacy', family: 6 };
const KINDS = new Set(['docker-accept'] as const);

describe('the reconciler beside Docker', () => {
  let kernel: FakeKernel;
  let reconciler: Reconciler;
  const rules = () =>
    kernel
      .dump()
      .split('\n')
      .filter((line) => line.startsWith('iptables'));

  beforeEach(async () => {
    kernel = new FakeKernel();
    reconciler = new Reconciler(kernel);
    await reconciler.applyHost(HOST);
  });

  it('writes no rule where Docker has no chain', () => {
    expect(rules()).toEqual([]);
    expect(reconciler.tracker.counts('docker-accept')).toEqual({ desired: 0, present: 0 });
  });

  it('lets overlay packets pass in each rule set where the chain is, as soon as it comes', async () => {
    kernel.setDockerChains([NFT4, LEGACY6]);
    expect(await reconciler.check(wholeKinds(KINDS))).toMatchObject({ written: 6 });
    expect(rules()).toEqual([
      'iptables legacy 6 -d fd01:b::/64 -i vtep1024 -m comment --comment overlay -j ACCEPT',
      'iptables legacy 6 -d fd01:b::/64 -m comment --comment overlay -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT',
      'iptables legacy 6 -s fd01:b::/64 -m comment --comment overlay -j ACCEPT',
      'iptables nft 4 -d 9.0.0.0/8 -i vtep1024 -m comment --comment overlay -j ACCEPT',
      'iptables nft 4 -d 9.0.0.0/8 -m comment --comment overlay -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT',
      'iptables nft 4 -s 9.0.0.0/8 -m comment --comment overlay -j ACCEPT',
    ]);
    expect(await reconciler.check(wholeKinds(KINDS))).toEqual({ found: [], repaired: [], written: 0 });
    expect(await reconciler.applyHost(HOST)).toBe(0);
    expect(await new Reconciler(kernel).applyHost(HOST)).toBe(0);
  });

  it('puts them back when the chain is made anew, and removes what bears our comment and is not wanted', async () => {
    kernel.setDockerChains([NFT4]);
    await reconciler.check(wholeKinds(KINDS));
    const before = kernel.dump();
    kernel.setDockerChains([NFT4]);
    expect(await reconciler.check(wholeKinds(KINDS))).toMatchObject({ written: 3 });
    kernel.meddle('add', {
      kind: 'docker-accept',
      ...NFT4,
      rule: '-s 7.0.0.0/8 -m comment --comment overlay -j ACCEPT',
    });
    expect(await reconciler.check(wholeKinds(KINDS))).toMatchObject({ written: 1 });
    expect(kernel.dump()).toBe(before);
    kernel.setDockerChains([]);
    expect(await reconciler.check(wholeKinds(KINDS))).toMatchObject({ written: 0 });
    expect(reconciler.tracker.counts('docker-accept')).toEqual({ desired: 0, present: 0 });
  });

  it('takes them away with the network, and with everything', async () => {
    kernel.setDockerChains([NFT4, LEGACY6]);
    await reconciler.applyHost(HOST);
    await reconciler.applyHost({ ...HOST, clusterNetworks: [{ ...DCOS, standing: 'deleting' }] });
    expect(rules()).toEqual([]);
    await reconciler.applyHost(HOST);
    expect(rules()).toHaveLength(6);
    expect((await reconciler.purge(false)).leftovers).toEqual([]);
    expect(rules()).toEqual([]);
  });

  it('fails the network whose rule is refused', async () => {
    kernel.setDockerChains([NFT4]);
    kernel.refuse(({ kind }) =>
      kind === 'docker-accept' ? 'iptables-nft-restore: line 2 failed' : undefined,
    );
    await reconciler.applyHost(HOST);
    expect(networkStandings(reconciler)[0]?.error).toBe('docker-accept: iptables-nft-restore: line 2 failed');
  });
});
