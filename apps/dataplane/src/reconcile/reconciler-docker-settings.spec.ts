import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { createLogger, Metrics } from '@overlay/service';
import { DataplaneMetrics } from '../dataplane-metrics.js';
import type { HostDescription } from '../desired/host-description.js';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import type { KernelObject } from '../kernel/kernel-object.js';
import { ApplyLoop } from './apply-loop.js';
import { DriftWatch } from './drift-watch.js';
import { Reconciler } from './reconciler.js';
import { HandClock } from './testing/hand-clock.js';
import { DCOS, HOST } from './testing/host-fixture.js';

const DOCKER: HostDescription = {
  ...HOST,
  networks: HOST.networks.map((network) => ({
    ...network,
    dockerBridge: { name: 'd-dcos', halves: [parseCidr('9.0.0.32/27'), parseCidr('fd01:b:0:0:0:8000::/81')] },
  })),
};
const NAMES = ['dad_transmits', 'router_solicitation_delay'];

describe('the settings of Docker’s bridges', () => {
  let kernel: FakeKernel;
  let clock: HandClock;
  let reconciler: Reconciler;
  let loop: ApplyLoop;
  let drift: DriftWatch;

  const pass = async () => {
    for (let step = 0; step < 10; step += 1) await clock.advance(100);
  };
  const setting = (device: string, name: string, value: string): KernelObject => ({
    kind: 'sysctl',
    key: `net/ipv6/conf/${device}/${name}`,
    value,
  });
  /** Docker makes a bridge, and the kernel gives it the defaults. */
  const dockerMakes = async (device: string) => {
    kernel.silently(() => {
      for (const name of NAMES) kernel.meddle('add', setting(device, name, '1'));
    });
    kernel.meddle('add', { kind: 'link', type: 'foreign', name: device });
    await pass();
  };
  const settings = (device: string) =>
    kernel
      .dump()
      .split('\n')
      .filter((line) => line.includes(`.${device}.`));

  const OURS = NAMES.map((name) => `sysctl net.ipv6.conf.d-dcos.${name} = 0`);
  const DEFAULTS = NAMES.map((name) => `sysctl net.ipv6.conf.d-dcos.${name} = 1`);

  beforeEach(async () => {
    kernel = new FakeKernel();
    clock = new HandClock();
    reconciler = new Reconciler(kernel);
    const logger = createLogger('overlay-dataplane', 'silent');
    const metrics = new DataplaneMetrics(new Metrics('overlay-dataplane'), reconciler);
    loop = new ApplyLoop({ reconciler, clock, random: () => 0.5, logger, metrics });
    drift = new DriftWatch({ loop, reconciler, clock, logger, watches: [kernel], resyncMs: 86_400_000 });
    await loop.applyHost(DOCKER);
    await dockerMakes('d-dcos');
  });

  afterEach(async () => {
    await drift.close();
    await loop.close();
  });

  it('are there as soon as the bridge is, for networks of this host only', async () => {
    expect(settings('d-dcos')).toEqual(OURS);
    await dockerMakes('d-other');
    expect(settings('d-other').every((line) => line.endsWith('= 1'))).toBe(true);
    expect(await loop.applyHost(DOCKER)).toBe(0);
  });

  it('come back with a bridge that Docker makes anew, and are no failure while there is none', async () => {
    kernel.meddle('remove', { kind: 'link', type: 'foreign', name: 'd-dcos' });
    await pass();
    expect([settings('d-dcos'), reconciler.failures.size]).toEqual([[], 0]);
    await dockerMakes('d-dcos');
    expect(settings('d-dcos')).toEqual(OURS);
  });

  it('are the kernel’s defaults again after the network is removed, and after a purge', async () => {
    await loop.removeNetwork(DCOS.id);
    expect(settings('d-dcos')).toEqual(DEFAULTS);
    expect(await loop.applyHost({ ...DOCKER, clusterNetworks: [{ ...DCOS, standing: 'deleting' }] })).toBe(0);
    await loop.applyHost(DOCKER);
    expect(settings('d-dcos')).toEqual(OURS);
    const { leftovers } = await loop.purge(false);
    expect(leftovers).toEqual([]);
    expect(settings('d-dcos')).toEqual(DEFAULTS);
  });

  it('are not needed on the bridge that both runtimes share, but for addresses that Docker adds', async () => {
    const networks = HOST.networks.map((network) => ({
      ...network,
      cniBridge: { name: 'o-dcos', halves: network.prefixes },
    }));
    await loop.applyHost({ ...HOST, networks });
    expect(settings('o-dcos')).toEqual([
      'sysctl net.ipv4.conf.o-dcos.forwarding = 1',
      'sysctl net.ipv6.conf.o-dcos.accept_dad = 0',
      'sysctl net.ipv6.conf.o-dcos.dad_transmits = 0',
      'sysctl net.ipv6.conf.o-dcos.disable_ipv6 = 0',
      'sysctl net.ipv6.conf.o-dcos.forwarding = 1',
    ]);
  });
});
