import { describe, expect, it } from '@jest/globals';
import { SAMPLE_NETWORK } from '../sample-cluster.js';
import { filterNetworks } from './filter-networks.js';

const DCOS6 = { ...SAMPLE_NETWORK, name: 'dcos6', subnet: '', subnet6: 'fd01:b::/64' };
const WEB = { ...SAMPLE_NETWORK, name: 'Web', subnet: '192.168.0.0/16' };

describe('filterNetworks', () => {
  it.each([
    ['', ['dcos', 'dcos6', 'Web']],
    ['dcos', ['dcos', 'dcos6']],
    [' WEB ', ['Web']],
    ['FD01', ['dcos6']],
    ['9.0.0', ['dcos']],
    ['192.', ['Web']],
    ['nothing', []],
  ])('finds with %j', (text, names) => {
    expect(filterNetworks([SAMPLE_NETWORK, DCOS6, WEB], text).map(({ name }) => name)).toEqual(names);
  });
});
