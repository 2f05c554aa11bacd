import { describe, expect, it } from '@jest/globals';
import { parseInterfaceAddress, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { parseNodeId } from '@overlay/model';
import type { HostDescription } from './host-description.js';
import { mtuMisfit } from './mtu-fit.js';

const host = (ip: string, vtepMtu: number): HostDescription => ({
  nodeId: parseNodeId('node-0'),
  ip: parseIpAddress(ip),
  vtep: {
    name: 'vtep1024',
    vni: 1024,
    address: parseInterfaceAddress('44.128.0.1/20'),
    mac: parseMacAddress('70:b3:d5:80:00:01'),
    mtuBytes: vtepMtu,
  },
  vtepSubnets: [],
  networks: [],
  clusterNetworks: [],
  overlayMtuBytes: 1420,
  configureCniBridges: true,
  configureDockerBridges: true,
  enableIpv6: true,
  commandTimeoutMs: 1000,
});
const eth0 = (mtuBytes: number) => ({ device: 'eth0', mtuBytes });

describe('mtuMisfit', () => {
  it('counts 50 bytes over IPv4 and 70 over IPv6', () => {
    expect(mtuMisfit(host('10.0.0.1', 1450), eth0(1500))).toBeUndefined();
    expect(mtuMisfit(host('10.0.0.1', 1451), eth0(1500))).toMatch(/needs 50 .* vtep_mtu to at most 1450/);
    expect(mtuMisfit(host('fd00::1', 1430), eth0(1500))).toBeUndefined();
    expect(mtuMisfit(host('fd00::1', 1431), eth0(1500))).toMatch(/IPv6 needs 70 .* at most 1430/);
  });

  it('names the key that the MTU came from, the device and both ways out', () => {
    expect(mtuMisfit(host('10.0.0.1', 1420), eth0(1460))).toBe(
      'the MTU of vtep1024, 1420 bytes, does not fit: eth0 carries 1460 bytes and VXLAN over IPv4 needs 50 of them; ' +
        'set overlay_mtu to at most 1410, or raise the MTU of eth0',
    );
  });

  it('has nothing to say when no device has the address', () => {
    expect(mtuMisfit(host('10.0.0.1', 9000), undefined)).toBeUndefined();
  });
});
