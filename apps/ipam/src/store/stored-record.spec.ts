import { describe, expect, it } from '@jest/globals';
import { parseStoredAllocation, parseStoredFreed, parseStoredPools } from './stored-record.js';

describe('stored records', () => {
  it.each([
    ['nothing', undefined],
    ['another shape', { network: 'dcos' }],
    ['a wrong prefix', [{ networkId: 'n', network: 'dcos', half: 'cni', subnet: '9.0.1.5/24' }]],
  ])('are refused by name: pools that are %s', (_case, value) => {
    expect(() => parseStoredPools('pools', value)).toThrow(/^the stored record pools cannot be read: /);
  });

  it('are refused by name: an allocation of another shape', () => {
    expect(() => parseStoredAllocation('allocation/x', { owner: 1 })).toThrow(
      expect.objectContaining({ code: 'data_loss', message: expect.stringContaining('allocation/x') }),
    );
  });

  it('tell who took an allocation, also those from before they said so', () => {
    const owner = { containerId: 'c1', interface: 'eth0' };
    const half = { networkId: 'n', network: 'dcos', half: 'cni' };
    const record = { ...half, owner, addresses: [], labels: {}, allocatedAtMs: 1, bootId: 'b' };
    const kindOf = (more: object) => parseStoredAllocation('allocation/x', { ...record, ...more }).ownerKind;
    expect(kindOf({})).toBe('framework');
    expect(kindOf({ networkNamespace: '/run/netns/c1' })).toBeUndefined();
    expect(kindOf({ ownerKind: 'docker' })).toBe('docker');
  });

  it('are refused by name: a freed address of another shape', () => {
    expect(() => parseStoredFreed('freed/x', { address: '9.0.1.2', turn: -1 })).toThrow(
      expect.objectContaining({ code: 'data_loss', message: expect.stringContaining('freed/x') }),
    );
  });
});
