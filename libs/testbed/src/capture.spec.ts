import { describe, expect, it } from '@jest/globals';
import { parsePackets } from './capture.js';

describe('tcpdump’s text', () => {
  it('is one string per packet, an inner packet joined to its outer one', () => {
    const text =
      '1.5 aa > bb: IP 1.1.1.1 > 2.2.2.2: VXLAN, vni 1024\ncc > dd: IP 9.0.0.2 > 9.0.0.66: ICMP\n2.5 ARP, x\n';
    expect(parsePackets(text)).toEqual([
      '1.5 aa > bb: IP 1.1.1.1 > 2.2.2.2: VXLAN, vni 1024 cc > dd: IP 9.0.0.2 > 9.0.0.66: ICMP',
      '2.5 ARP, x',
    ]);
  });
});
