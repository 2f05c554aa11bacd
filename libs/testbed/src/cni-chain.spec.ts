import { describe, expect, it } from '@jest/globals';
import { parseCniAddresses, parseCniConfiguration, planCniInput } from './cni-chain.js';

describe('a CNI configuration', () => {
  it('is a chain, whether list or single', () => {
    const list = '{"cniVersion":"1.0.0","name":"n","plugins":[{"type":"bridge"},{"type":"portmap"}]}';
    expect(parseCniConfiguration(list, 'f').plugins).toHaveLength(2);
    const single = parseCniConfiguration('{"cniVersion":"0.2.0","name":"n","type":"bridge"}', 'f');
    expect(single).toMatchObject({ name: 'n', cniVersion: '0.2.0', plugins: [{ type: 'bridge' }] });
  });

  it('without a version is of the first', () => {
    expect(parseCniConfiguration('{"name":"n","type":"bridge"}', 'f').cniVersion).toBe('0.1.0');
  });

  it.each(['{"type":"bridge"}', '{"name":"n","plugins":{}}', '{"name":"n","plugins":[{}]}'])(
    'is not %s',
    (text) => {
      expect(() => parseCniConfiguration(text, 'file.conf')).toThrow('file.conf');
    },
  );

  it('hands a plugin the name, the version and the result so far', () => {
    const chain = { name: 'n', cniVersion: '1.0.0', plugins: [{ type: 'portmap', backend: 'nft' }] };
    const input = planCniInput(chain, { type: 'portmap', backend: 'nft' }, { ips: [] });
    const expected = {
      name: 'n',
      cniVersion: '1.0.0',
      type: 'portmap',
      backend: 'nft',
      prevResult: { ips: [] },
    };
    expect(JSON.parse(input)).toEqual(expected);
  });
});

describe('a CNI result', () => {
  it('has addresses in every version', () => {
    const recent = { ips: [{ version: '4', address: '9.0.0.2/27', gateway: '9.0.0.1', interface: 2 }] };
    const early = { ip4: { ip: '9.0.0.2/27', gateway: '9.0.0.1' } };
    const expected = [{ address: '9.0.0.2/27', gateway: '9.0.0.1' }];
    expect([parseCniAddresses(recent), parseCniAddresses(early)]).toEqual([expected, expected]);
  });
});
