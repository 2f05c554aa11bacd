import { describe, expect, it } from '@jest/globals';
import { parseStoredAllocation, parseStoredFreed, parseStoredPools } from './stored-record.js';

/** An allocation, but for its labels. */
const RECORD = JSON.stringify({
  networkId: 'n',
  network: 'dcos',
  half: 'cni',
  owner: { containerId: 'c1', interface: 'eth0' },
  addresses: [],
  allocatedAtMs: 1,
  bootId: 'b',
});

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
    const record = { ...JSON.parse(RECORD), labels: {} };
    const kindOf = (more: object) => parseStoredAllocation('allocation/x', { ...record, ...more }).ownerKind;
    expect(kindOf({})).toBe('framework');
    expect(kindOf({ networkNamespace: '/run/netns/c1' })).toBeUndefined();
    expect(kindOf({ ownerKind: 'docker' })).toBe('docker');
  });

  it('have labels of whatever name, and only texts', () => {
    const allocation = (labels: string) =>
      parseStoredAllocation('allocation/x', JSON.parse(`${RECORD.slice(0, -1)},"labels":${labels}}`));
    const { labels } = allocation('{"__proto__":"a","constructor":"b"}');
    expect(Object.entries(labels)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    for (const wrong of ['{"a":1}', '[]', 'null', '"a"']) expect(() => allocation(wrong)).toThrow(/labels/);
  });

  it('are refused by name: a freed address of another shape', () => {
    expect(() => parseStoredFreed('freed/x', { address: '9.0.1.2', turn: -1 })).toThrow(
      expect.objectContaining({ code: 'data_loss', message: expect.stringContaining('freed/x') }),
    );
  });
});
