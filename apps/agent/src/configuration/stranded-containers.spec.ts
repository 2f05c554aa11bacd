import { describe, expect, it } from '@jest/globals';
import { Container } from '@overlay/contracts';
import { exampleNetwork } from './example-registration.js';
import { strandedContainers, strandedState } from './stranded-containers.js';

const network = {
  ...exampleNetwork('dcos', 1),
  subnet6: 'fd01:b::/80',
  routedPrefixes: ['9.1.0.0/24', 'fd01:b::/80'],
};
const container = (containerId: string, ip: string, ip6 = '', of = 'dcos') =>
  Container.fromPartial({ containerId, network: of, ip, ip6 });

describe('stranded containers', () => {
  it('are those with an address that no prefix of the host has', () => {
    const fine = [container('a', '9.1.0.7', 'fd01:b::7'), container('b', '9.1.0.200'), container('c', '')];
    const old = container('d', '9.5.0.7');
    const half = container('e', '9.1.0.8', 'fd01:b:5::8');
    const elsewhere = container('f', '9.1.0.9', '', 'gone');
    const stranded = strandedContainers([network], [...fine, old, half, elsewhere]);
    expect(stranded).toEqual([old, half, elsewhere]);
  });

  it('are named, a few of many', () => {
    const many = Array.from({ length: 7 }, (_, n) => container(`c${n}`, `9.5.0.${n}`));
    const error = strandedState(network, many)?.error;
    expect(error).toContain(
      'c0 (9.5.0.0), c1 (9.5.0.1), c2 (9.5.0.2), c3 (9.5.0.3), c4 (9.5.0.4) and 2 more',
    );
    expect(strandedState(network, [container('f', '9.5.0.9', '', 'gone')])).toBeUndefined();
  });
});
