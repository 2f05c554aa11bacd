import { describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { route } from '../kernel/contract-objects.js';
import type { ForeignRoute } from '../kernel/kernel-tables.js';
import { DeltaTracker } from './delta-tracker.js';
import { describeShadows, routesOfInterest } from './shadowed-routes.js';

function foreign(prefix: string, more: Partial<ForeignRoute> = {}): ForeignRoute {
  const metric = prefix.includes(':') ? 1024 : 0;
  return {
    table: 254,
    prefix: parseCidr(prefix),
    metric,
    behindOurs: false,
    text: `blackhole ${prefix}`,
    ...more,
  };
}

/** Whether the route lies in front of ours. */
function shadows(each: ForeignRoute): boolean {
  const tracker = new DeltaTracker();
  for (const object of [
    route(254, '9.0.2.0/24', 7),
    route(254, 'fd01:b:0:0:2::/80', 8),
    route(42, '10.0.0.2/32', 7),
  ])
    tracker.want(object);
  return describeShadows([each], tracker).some((text) => text.includes(each.text));
}

describe('describeShadows', () => {
  it('names what is preferred to ours, and what leads away a part of it', () => {
    for (const each of [
      foreign('9.0.2.0/24'),
      foreign('9.0.2.128/25', { metric: 500 }),
      foreign('9.0.2.7/32', { table: 255 }),
      foreign('10.0.0.2/32', { table: 42 }),
      foreign('fd01:b:0:0:2::/80', { metric: 1 }),
      foreign('fd01:b:0:0:2::/80'),
    ])
      expect([each.text, shadows(each)]).toEqual([each.text, true]);
  });

  it('says nothing of what comes behind ours, or is about no peer', () => {
    for (const each of [
      foreign('9.0.2.0/24', { metric: 1 }),
      foreign('9.0.2.0/24', { behindOurs: true }),
      foreign('fd01:b:0:0:2::/80', { metric: 2000 }),
      foreign('9.0.3.0/24'),
      foreign('9.0.0.0/8'),
      foreign('10.0.0.2/32'),
    ])
      expect([each.text, shadows(each)]).toEqual([each.text, false]);
  });

  it('names the first of many', () => {
    const tracker = new DeltaTracker();
    tracker.want(route(254, '9.0.2.0/24', 7));
    const [text] = describeShadows(
      Array.from({ length: 200 }, (_, n) => foreign(`9.0.2.${n}/32`)),
      tracker,
    );
    expect(text).toMatch(/blackhole 9\.0\.2\.9\/32 and 190 more;/);
  });
});

describe('routesOfInterest', () => {
  it('keeps what is of the overlay or in the table of peers', () => {
    const routes = [foreign('9.0.2.0/24'), foreign('192.0.2.0/24'), foreign('192.0.2.1/32', { table: 42 })];
    expect(routesOfInterest(routes, [parseCidr('9.0.0.0/8')])).toEqual([routes[0], routes[2]]);
  });
});
