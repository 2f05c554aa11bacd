import { describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { inline, route } from '../contract-objects.js';
import type { KernelObject } from '../kernel-object.js';
import { changeLines } from './change-lines.js';

describe('changeLines', () => {
  it('puts the new route there before the old one goes, and touches no third', () => {
    const [object, previous] = [route(254, '9.0.2.0/24', 7), route(254, '9.0.2.0/24', 8)];
    expect(changeLines({ op: 'replace', object, previous })).toEqual([
      'route append 9.0.2.0/24 table 254 nhid 7 protocol 142',
      'route del 9.0.2.0/24 table 254 nhid 8 protocol 142',
    ]);
  });

  it('removes an IPv6 route first where the kernel would take both for one', () => {
    const [object, previous] = [
      inline(254, 'fd01:b:0:0:2::/80', 'fd01:a::3'),
      route(254, 'fd01:b:0:0:2::/80', 8),
    ];
    expect(changeLines({ op: 'replace', object, previous })).toEqual([
      'route del fd01:b:0:0:2::/80 table 254 nhid 8 protocol 142',
      'route add fd01:b:0:0:2::/80 table 254 via fd01:a::3 dev vtep1024 protocol 142',
    ]);
  });

  it('names a stray route exactly', () => {
    const object: KernelObject = {
      kind: 'route',
      table: 254,
      prefix: parseCidr('9.0.2.0/24'),
      target: { type: 'other', routeType: 'prohibit', text: 'tos 0x04 metric 7' },
    };
    expect(changeLines({ op: 'remove', object })).toEqual([
      'route del prohibit 9.0.2.0/24 table 254 tos 0x04 metric 7 protocol 142',
    ]);
  });
});
