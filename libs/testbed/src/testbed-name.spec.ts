import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { formatTestbedName, namespaceName, parseTestbedName, rootLinkName } from './testbed-name.js';

const names = fc.record({
  pid: fc.integer({ min: 1, max: 4_194_304 }),
  slot: fc.integer({ min: 1, max: 254 }),
});

describe('a testbed name', () => {
  it('is found again in everything named after it', () => {
    fc.assert(
      fc.property(names, fc.constantFrom('h1', 'outside', 'h12-c3'), (name, label) => {
        const testbed = formatTestbedName(name);
        expect(parseTestbedName(testbed)).toEqual(name);
        expect(parseTestbedName(namespaceName(testbed, label))).toEqual(name);
        expect(parseTestbedName(rootLinkName(testbed))).toEqual(name);
      }),
    );
  });

  it('fits a device name for every pid', () => {
    fc.assert(fc.property(names, (name) => rootLinkName(formatTestbedName(name)).length <= 15));
  });

  it.each(['ovs-1', 'ov-1', 'ov12', 'ov12-', 'xov12-3', 'ov12-3x', 'overlay-demo-ov12-3', 'ov012-3'])(
    'is not seen in %s',
    (text) => expect(parseTestbedName(text)).toBeUndefined(),
  );

  it.each(['', 'H1', '../h1', 'h 1', 'h;1'])('refuses the label "%s"', (label) => {
    expect(() => namespaceName('ov1-1', label)).toThrow('cannot name a namespace');
  });
});
