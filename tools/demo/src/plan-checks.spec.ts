import { describe, expect, it } from '@jest/globals';
import type { DemoContainer } from './check.js';
import { planChecks } from './plan-checks.js';

const hosts = [
  { name: 'h1', ipv4: '198.18.1.11', ipv6: 'fd00::11' },
  { name: 'h2', ipv4: '198.18.1.12', ipv6: 'fd00::12' },
];
const outside = { ipv4: '203.0.113.10', ipv6: '2001:db8::10' };
const containers: readonly DemoContainer[] = [
  { name: 'a', host: 'h1', network: 'dcos', half: 'cni', runtime: 'cni', ipv4: '9.0.0.2' },
  { name: 'b', host: 'h2', network: 'dcos', half: 'docker', runtime: 'docker', ipv4: '9.0.0.98' },
  { name: 'c', host: 'h1', network: 'dcos6', half: 'cni', runtime: 'cni', ipv6: 'fd01::2' },
];

describe('the checks of a demo', () => {
  const checks = planChecks(containers, hosts, outside);

  it('try everyone to everyone of a network, both ways, and the outside', () => {
    const pings = checks.filter(({ kind }) => kind === 'ping').map(({ from, to }) => `${from}→${to}`);
    expect(pings.sort()).toEqual(['a→b', 'a→outside', 'b→a', 'b→outside', 'c→outside']);
    expect(checks.filter(({ kind }) => kind === 'tcp')).toHaveLength(pings.length);
  });

  it('expect one’s own address inside and the host’s outside', () => {
    const source = (from: string, to: string) =>
      checks.find((check) => check.from === from && check.to === to)?.expectSource;
    expect([source('a', 'b'), source('b', 'outside'), source('c', 'outside')]).toEqual([
      '9.0.0.2',
      '198.18.1.12',
      'fd00::11',
    ]);
  });
});
