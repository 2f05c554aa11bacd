import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { integerToMac, isGroupMac, isMacAddress, macToInteger, parseMacAddress } from './mac-address.js';

describe('parseMacAddress', () => {
  it('answers lower case', () => {
    expect(parseMacAddress('70:B3:D5:80:00:02')).toBe('70:b3:d5:80:00:02');
    expect(isMacAddress('70:B3:D5:80:00:02')).toBe(true);
  });

  it.each([
    '',
    '70:b3:d5:80:00',
    '70:b3:d5:80:00:02:03',
    '70-b3-d5-80-00-02',
    '70b3d5800002',
    '7:b3:d5:80:00:02',
    '70:b3:d5:80:00:0g',
    ' 70:b3:d5:80:00:02',
    '70:b3:d5:80:00:02\n',
  ])('rejects %j', (text) => {
    const parse = () => parseMacAddress(text);
    expect(isMacAddress(text)).toBe(false);
    expect(parse).toThrow(`"${text}" is not a MAC address`);
    expect(parse).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });
});

describe('MAC addresses and integers', () => {
  it('convert both ways', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (integer) => {
        const mac = integerToMac(integer);
        expect(parseMacAddress(mac)).toBe(mac);
        expect(macToInteger(mac)).toBe(integer);
      }),
    );
  });

  it.each([-1, 2 ** 48, 0.5, Number.NaN])('refuse %d', (integer) => {
    expect(() => integerToMac(integer)).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});

describe('isGroupMac', () => {
  it.each([
    ['70:b3:d5:80:00:02', false],
    ['02:00:00:00:00:01', false],
    ['01:00:5e:00:00:01', true],
    ['33:33:00:00:00:01', true],
    ['ff:ff:ff:ff:ff:ff', true],
  ])('of %s is %s', (text, isGroup) => {
    expect(isGroupMac(parseMacAddress(text))).toBe(isGroup);
  });
});
