import { describe, expect, it } from '@jest/globals';
import { parseNetworkName } from '@overlay/model';
import { failureOf, Host, pool } from './host-under-test.js';
import { requireKnownNetwork } from './known-network.js';

const DCOS = parseNetworkName('dcos');

describe('requireKnownNetwork', () => {
  it('passes a network with a pool, one with allocations only, and none for all', () => {
    const host = new Host();
    expect(() => requireKnownNetwork(host.state, undefined)).not.toThrow();
    host.configure(pool({ subnet: '9.0.1.0/27' }));
    expect(() => requireKnownNetwork(host.state, DCOS)).not.toThrow();
    host.add('a');
    host.configure();
    expect(() => requireKnownNetwork(host.state, DCOS)).not.toThrow();
  });

  it('says what there is instead of another', () => {
    const host = new Host();
    const refused = (name: string) =>
      failureOf(() => requireKnownNetwork(host.state, parseNetworkName(name)));
    expect(refused('dcos')).toMatchObject({
      code: 'not_found',
      message: 'there is no network dcos here; this host has no network yet',
    });
    host.configure(pool({ subnet: '9.0.1.0/27' }));
    host.add('a');
    for (const name of ['other', 'dco', 'dcos2', 'a']) {
      expect(refused(name)).toMatchObject({
        code: 'not_found',
        message: `there is no network ${name} here; this host has dcos`,
      });
    }
  });
});
