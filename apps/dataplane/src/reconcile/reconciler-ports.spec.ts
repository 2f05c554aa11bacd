import { beforeEach, describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import type { KernelObject } from '../kernel/kernel-object.js';
import { wholeKinds } from './check-scope.js';
import { ALL_KINDS } from './plan-check.js';
import { Reconciler } from './reconciler.js';
import { HOST } from './testing/host-fixture.js';

const PORTS = new Set(['port'] as const);

describe('the reconciler and the ports of bridges', () => {
  let kernel: FakeKernel;
  let reconciler: Reconciler;
  const bridge = (): KernelObject => {
    const link = reconciler.tracker.wanted('link m-dcos');
    if (link === undefined) throw new OverlayError('not_found', 'm-dcos');
    return link;
  };
  const ports = () =>
    kernel
      .dump()
      .split('\n')
      .filter((line) => line.startsWith('port'));

  beforeEach(async () => {
    kernel = new FakeKernel();
    reconciler = new Reconciler(kernel);
    await reconciler.applyHost(HOST);
    kernel.plug('veth00000001', 'm-dcos');
    kernel.plug('veth00000002', 'm-dcos');
    expect(await reconciler.check(wholeKinds(PORTS))).toEqual({ found: [], repaired: [], written: 0 });
  });

  it('plugs them into the bridge that takes the place of a deleted one', async () => {
    kernel.meddle('remove', bridge());
    expect(ports()).toEqual([]);
    await reconciler.check(wholeKinds(ALL_KINDS));
    expect(ports()).toEqual(['port veth00000001 master m-dcos', 'port veth00000002 master m-dcos']);
    expect(await reconciler.check(wholeKinds(ALL_KINDS))).toEqual({ found: [], repaired: [], written: 0 });
    expect(reconciler.tracker.counts('port')).toEqual({ desired: 2, present: 2 });
  });

  it('plugs them in also when somebody else made the new bridge, and tries again what was refused', async () => {
    const made = bridge();
    kernel.meddle('remove', made);
    kernel.meddle('add', made);
    kernel.refuse(({ kind }) => (kind === 'port' ? 'busy' : undefined));
    await reconciler.resync();
    expect([...reconciler.failures.values()].map(({ error }) => error)).toEqual(['busy', 'busy']);
    kernel.refuse(undefined);
    await reconciler.resync();
    expect(ports()).toHaveLength(2);
  });

  it('leaves alone what was unplugged on purpose, plugged in elsewhere, or went', async () => {
    kernel.meddle('remove', { kind: 'port', device: 'veth00000001', bridge: 'm-dcos', hairpin: false });
    kernel.unplug('veth00000002');
    expect(await reconciler.check(wholeKinds(PORTS))).toEqual({ found: [], repaired: [], written: 0 });
    kernel.meddle('remove', bridge());
    await reconciler.check(wholeKinds(ALL_KINDS));
    expect(ports()).toEqual([]);
  });

  it('forgets them with the network', async () => {
    await reconciler.applyHost({ ...HOST, configureCniBridges: false });
    await reconciler.applyHost(HOST);
    expect(ports()).toEqual([]);
  });

  it('names the loose ends that it finds beside a missing bridge when it starts', async () => {
    kernel.meddle('remove', bridge());
    const restarted = new Reconciler(kernel);
    await restarted.applyHost(HOST);
    expect(restarted.warnings).toEqual([expect.stringContaining('veth00000001, veth00000002 had no bridge')]);
    kernel.unplug('veth00000001');
    kernel.plug('veth00000002', 'm-dcos');
    await restarted.check(wholeKinds(PORTS));
    expect(restarted.warnings).toEqual([]);
    expect(reconciler.warnings).toEqual([]);
  });
});
