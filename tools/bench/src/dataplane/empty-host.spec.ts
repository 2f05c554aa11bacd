import { describe, expect, it } from '@jest/globals';
import { planNexthopRemovals, planRouteRemovals } from './empty-host.js';

describe('emptying a host', () => {
  it('removes the routes that are listed, by destination, table and metric', () => {
    const listed = [
      '9.0.1.0/26 nhid 1325400065 via 44.128.0.2 dev vtep1024 proto 142 ',
      '100.64.0.2 nhid 1325400065 via 44.128.0.2 dev vtep1024 table 42 ',
      'unreachable 9.0.0.0/9 proto 142 metric 4278198272 ',
      'fd01:b::4000:0:0/82 nhid 1862270977 via fd01:a::2 dev vtep1024 metric 1024 pref medium',
      '',
    ].join('\n');
    expect(planRouteRemovals(listed)).toEqual([
      'route del 9.0.1.0/26',
      'route del 100.64.0.2 table 42',
      'route del unreachable 9.0.0.0/9 metric 4278198272',
      'route del fd01:b::4000:0:0/82 metric 1024',
    ]);
  });

  it('removes the nexthops that are listed, by id', () => {
    const listed = 'id 1325400065 via 44.128.0.2 dev vtep1024 scope link proto 142 \n';
    expect(planNexthopRemovals(listed)).toEqual(['nexthop del id 1325400065']);
    expect(planNexthopRemovals('')).toEqual([]);
  });
});
