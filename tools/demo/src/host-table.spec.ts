import { describe, expect, it } from '@jest/globals';
import { renderHosts } from './host-table.js';
import { PLAIN } from './terminal.js';

describe('the table of hosts', () => {
  it('shows what the master gave to whom, and a dash for what it did not', () => {
    const vxlan = {
      vni: 1024,
      vtep_name: 'vtep1024',
      vtep_ip: '44.128.0.1/20',
      vtep_mac: '70:b3:d5:80:00:01',
    };
    const overlays = [
      { info: { name: 'dcos' }, subnet: '9.0.0.0/26', backend: { vxlan } },
      { info: { name: 'dcos6' }, subnet6: 'fd01:b::/80', backend: { vxlan } },
    ];
    const hosts = [
      { name: 'h1', ipv4: '198.18.1.11', ipv6: '' },
      { name: 'h2', ipv4: '198.18.1.12', ipv6: '' },
    ];
    const state = { network: {}, agents: [{ ip: '198.18.1.11', overlays }] };
    expect(renderHosts(hosts, ['dcos', 'dcos6'], state, PLAIN)).toEqual([
      'host  underlay     VTEP        dcos        dcos6',
      'h1    198.18.1.11  44.128.0.1  9.0.0.0/26  fd01:b::/80',
      'h2    198.18.1.12  -           -           -',
    ]);
  });
});
