import { describe, expect, it } from '@jest/globals';
import { parseAddresses } from './workloads.js';

const address = (family: string, local: string) => ({ family, local });

describe('the addresses of a workload', () => {
  it('are those of the overlay, not those that Docker adds', () => {
    const links = [
      { ifname: 'lo', addr_info: [address('inet', '127.0.0.1'), address('inet6', '::1')] },
      { ifname: 'eth1', addr_info: [address('inet', '172.18.0.2'), address('inet6', 'fe80::1')] },
      { ifname: 'eth0', addr_info: [address('inet6', 'fd01:b::2'), address('inet', '9.0.0.2')] },
    ];
    expect(parseAddresses(JSON.stringify(links))).toEqual({ ipv4: '9.0.0.2', ipv6: 'fd01:b::2' });
  });

  it('are absent before it is attached', () => {
    expect(parseAddresses('[{"ifname":"lo"}]')).toEqual({});
  });
});
