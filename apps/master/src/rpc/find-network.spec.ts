import { describe, expect, it } from '@jest/globals';
import { Network } from '@overlay/contracts';
import { findNetwork, requireKnownNetwork } from './find-network.js';

const cluster = { networks: () => [Network.fromPartial({ spec: { name: 'dcos' } })] };

describe('findNetwork', () => {
  it('names the networks that there are', () => {
    expect(findNetwork(cluster, 'dcos').spec?.name).toBe('dcos');
    expect(() => findNetwork(cluster, 'nope')).toThrow(
      expect.objectContaining({
        code: 'not_found',
        message: 'there is no network "nope"; there are: dcos',
      }),
    );
    expect(() => findNetwork({ networks: () => [] }, 'nope')).toThrow(
      'there is no network "nope"; there is none yet',
    );
  });
});

describe('requireKnownNetwork', () => {
  it('passes a known network, and none for all of them', () => {
    expect(() => requireKnownNetwork(cluster, 'dcos')).not.toThrow();
    expect(() => requireKnownNetwork(cluster, '')).not.toThrow();
  });

  it('names the field of what is no name', () => {
    expect(() => requireKnownNetwork(cluster, 'a b')).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        violations: [expect.objectContaining({ field: 'network' })],
      }),
    );
    expect(() => requireKnownNetwork(cluster, 'nope')).toThrow(
      expect.objectContaining({ code: 'not_found' }),
    );
  });
});
