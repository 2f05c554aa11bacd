import { describe, expect, it } from '@jest/globals';
import { parseIpAddress } from '@overlay/allocation';

import { failureOf, Host, pool } from './host-under-test.js';

describe('what a container of an earlier boot left behind', () => {
  const netns = (id: string) => ({ networkNamespace: `/run/netns/${id}`, namespaceSeen: true });
  const holderOf = (host: Host, ip: string) =>
    host.state.holderOf(parseIpAddress(ip))?.owner.containerId as string | undefined;

  it('is taken over by who requests it, and the rest of it cools', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27', subnet6: 'fd01:b::/81' }));
    host.add('before', ['9.0.1.9'], netns('before'));
    host.clock.reboot();
    expect(host.add('after', ['9.0.1.9'], netns('after'))).toEqual(['9.0.1.9/27', 'fd01:b::3/81']);
    expect([...host.state.allocations()].map(({ owner: { containerId } }) => containerId)).toEqual(['after']);
    expect([...host.state.freed.oldestFirst()].map(({ address }) => address)).toEqual(['fd01:b::2']);
    host.del('before');
    expect(holderOf(host, '9.0.1.9')).toBe('after');
  });

  it('may be addresses of two containers', () => {
    const host = new Host();
    host.configure(pool({ subnet: '9.0.1.0/27', subnet6: 'fd01:b::/81' }));
    host.add('one', [], netns('one'));
    host.add('two', [], netns('two'));
    host.clock.reboot();
    expect(host.add('after', ['9.0.1.2', 'fd01:b::3'], netns('after'))).toEqual([
      '9.0.1.2/27',
      'fd01:b::3/81',
    ]);
    expect([...host.state.freed.oldestFirst()].map(({ address }) => address)).toEqual([
      'fd01:b::2',
      '9.0.1.3',
    ]);
  });

  it('stays with who came again, and within a boot', () => {
    const host = new Host();
    const framework = { ownerKind: 'framework' } as const;
    host.configure(pool({ subnet: '9.0.1.0/27' }));
    host.add('framework', ['9.0.1.7'], framework);
    host.add('again', ['9.0.1.8'], netns('again'));
    for (const ip of ['9.0.1.7', '9.0.1.8'])
      expect(failureOf(() => host.add('b', [ip], netns('b'))).code).toBe('already_exists');
    host.clock.reboot();
    host.add('again', [], netns('again2'));
    host.add('framework', [], framework);
    for (const ip of ['9.0.1.7', '9.0.1.8'])
      expect(failureOf(() => host.add('b', [ip], netns('b'))).code).toBe('already_exists');
    expect([holderOf(host, '9.0.1.7'), holderOf(host, '9.0.1.8')]).toEqual(['framework', 'again']);
  });
});
