import { describe, expect, it } from '@jest/globals';
import { knownUnderlay, SilentHelpers } from './silent-helpers.js';

const DRIVER = { kind: 'link', error: 'ethtool -i eth0 does not answer' } as const;

describe('SilentHelpers', () => {
  it('tells of a program until it is asked again and answers', () => {
    const helpers = new SilentHelpers();
    helpers.note([DRIVER], {});
    const told = [expect.stringContaining('ethtool -i eth0 does not answer')];
    expect(helpers.warnings).toEqual(told);
    helpers.note([], { kinds: new Set(['route']) });
    helpers.note([], { kinds: new Set(['link']), only: new Set(['m-dcos']) });
    expect(helpers.warnings).toEqual(told);
    helpers.note([], { kinds: new Set(['link']) });
    expect(helpers.warnings).toEqual([]);
  });
});

describe('knownUnderlay', () => {
  it('keeps the driver of a device that could not be asked for it', () => {
    const before = { device: 'eth0', mtuBytes: 1500, driver: 'vmxnet3' };
    const underlay = { device: 'eth0', mtuBytes: 1400 };
    expect(knownUnderlay({ underlay, silent: [DRIVER] }, before)).toEqual({ ...underlay, driver: 'vmxnet3' });
    expect(knownUnderlay({ underlay }, before)).toEqual(underlay);
    const other = { ...underlay, device: 'eth1' };
    expect(knownUnderlay({ underlay: other, silent: [DRIVER] }, before)).toEqual(other);
    expect(knownUnderlay({ silent: [DRIVER] }, before)).toBeUndefined();
  });
});
