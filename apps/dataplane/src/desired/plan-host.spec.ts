import { describe, expect, it } from '@jest/globals';
import { HOST } from '../reconcile/testing/host-fixture.js';
import { planHost } from './plan-host.js';

describe('planHost', () => {
  const ipv6Devices = (vtepMtuBytes: number) => {
    const { address6: _, ...vtep } = HOST.vtep;
    const objects = planHost({ ...HOST, vtep: { ...vtep, mtuBytes: vtepMtuBytes } });
    return objects.flatMap((object) =>
      object.kind === 'sysctl' && object.key.endsWith('/disable_ipv6') ? [object.key.split('/')[3]] : [],
    );
  };

  it('plans no IPv6 settings of a VTEP whose MTU is too small for it: the kernel has none', () => {
    expect(ipv6Devices(1280)).toEqual(['vtep1024', 'm-dcos']);
    expect(ipv6Devices(1279)).toEqual(['m-dcos']);
  });
});
