import { describe, expect, it } from '@jest/globals';
import { AllocationHalf, Container } from '@overlay/contracts';
import { findTarget, requireOwn } from './find-target.js';

const container = (fields: Partial<Container>) =>
  Container.fromPartial({
    containerId: 'c1',
    interface: 'eth0',
    network: 'dcos',
    half: AllocationHalf.CNI,
    ...fields,
  });

const WEB = container({ containerId: 'web', ip: '9.0.0.2', ip6: 'fd01:b::2' });
const LOG = container({ containerId: 'log', ip: '', ip6: 'fd01:b::3', half: AllocationHalf.DOCKER });
const TWO = [
  container({ containerId: 'two', ip: '9.0.0.4' }),
  container({ containerId: 'two', interface: 'eth1', network: 'other', ip: '9.1.0.4' }),
];
const ALL = [WEB, LOG, ...TWO];

describe('findTarget', () => {
  it('finds by id, with the IPv4 address first', () => {
    expect(findTarget(ALL, 'web')).toEqual({ containerId: 'web', half: AllocationHalf.CNI, ip: '9.0.0.2' });
    expect(findTarget(ALL, 'log')).toMatchObject({ ip: 'fd01:b::3', half: AllocationHalf.DOCKER });
  });

  it('finds by either address, however it is spelt', () => {
    expect(findTarget(ALL, '9.0.0.2').containerId).toBe('web');
    expect(findTarget(ALL, 'FD01:B:0::2')).toMatchObject({ containerId: 'web', ip: 'fd01:b::2' });
    expect(findTarget(ALL, '9.1.0.4')).toMatchObject({ containerId: 'two', ip: '9.1.0.4' });
  });

  it('wants an address of a container with several interfaces', () => {
    expect(() => findTarget(ALL, 'two')).toThrow(
      'name one of its addresses, 9.0.0.4 (dcos), 9.1.0.4 (other)',
    );
  });

  it('refuses an address that is not the host’s any more', () => {
    const target = findTarget(ALL, 'web');
    expect(() => requireOwn(target, [WEB])).toThrow(
      expect.objectContaining({ code: 'failed_precondition', message: expect.stringContaining('9.0.0.2') }),
    );
    expect(() => requireOwn(target, TWO)).not.toThrow();
  });

  it.each(['nothing', '9.0.0.9', '127.0.0.1', '::1', ''])('reaches nothing else: %s', (wanted) => {
    expect(() => findTarget(ALL, wanted)).toThrow(expect.objectContaining({ code: 'not_found' }));
  });
});
