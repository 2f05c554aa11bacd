import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseCidr, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { GetStatusResponse } from '@overlay/contracts';
import { parseNodeId } from '@overlay/model';
import type { PeerDescription } from '../desired/peer-description.js';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import { Reconciler } from '../reconcile/reconciler.js';
import { batch, DCOS, HOST } from '../reconcile/testing/host-fixture.js';
import { mapStatus } from './map-status.js';

const MIB = 1024 * 1024;

/** Peers enough for more failures than a status lists. */
const PEERS = Array.from({ length: 1_200 }, (_, n): PeerDescription => {
  const [high, low] = [4 + (n >> 8), n & 0xff];
  return {
    nodeId: parseNodeId(`node-x${n}`),
    ip: parseIpAddress(`10.1.${high}.${low}`),
    vtepIp: parseIpAddress(`44.128.${high}.${low}`),
    vtepMac: parseMacAddress(`70:b3:d5:81:0${high}:${low.toString(16).padStart(2, '0')}`),
    prefixes: [{ networkId: DCOS.id, prefix: parseCidr(`9.${high}.${low}.0/26`) }],
  };
});

describe('mapStatus', () => {
  let kernel: FakeKernel;

  beforeEach(() => {
    kernel = new FakeKernel();
  });

  /** The status of a host whose kernel refuses everything in these words. */
  const statusWith = async (words: string) => {
    kernel.refuse(({ kind }) => (kind === 'link' ? undefined : words));
    const reconciler = new Reconciler(kernel);
    await reconciler.applyHost({ ...HOST, enableIpv6: false });
    await reconciler.applyPeers(batch(...PEERS), true);
    expect(reconciler.failures.size).toBeGreaterThan(1_000);
    return mapStatus(reconciler, 1n);
  };
  const sizeOf = (status: GetStatusResponse) => GetStatusResponse.encode(status).finish().length;

  it('has the beginning of what a tool says, which may echo all that it was given', async () => {
    const status = await statusWith(`Error: Could not process rule\n${'10.1.2.3, '.repeat(3_500)}`);
    expect(status.failures).toHaveLength(1_000);
    for (const { object, error } of status.failures) {
      expect(object.length).toBeLessThanOrEqual(300);
      expect(error).toMatch(/^Error: Could not process rule\n10\.1\.2\.3.*…$/s);
      expect(error).toHaveLength(300);
    }
    expect(status.networks[0]?.state?.error).toMatch(/^\w+: Error: Could not process rule\n.{1,300}…$/s);
    expect(sizeOf(status)).toBeLessThan(MIB);
  });

  it('stays under 1 MiB whatever the letters, and counts what it does not list', async () => {
    const status = await statusWith('\u20ac'.repeat(1_000));
    expect(sizeOf(status)).toBeLessThan(MIB);
    expect(status.failures.length).toBeGreaterThan(500);
    const neighbours = status.objects.find(({ kind }) => kind === 'neighbour');
    expect(neighbours?.failed).toBe(1_200n);
  });

  it('leaves short texts as they are', async () => {
    const { failures } = await statusWith('RTNETLINK answers: No buffer space available');
    expect(new Set(failures.map(({ error }) => error))).toEqual(
      new Set(['RTNETLINK answers: No buffer space available']),
    );
  });
});
