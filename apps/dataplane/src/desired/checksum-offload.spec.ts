import { describe, expect, it } from '@jest/globals';
import { decideChecksumOffload } from './checksum-offload.js';

describe('decideChecksumOffload', () => {
  it('does as it is told', () => {
    expect(decideChecksumOffload('on', { kernelRelease: '4.4.0', driver: 'vmxnet3' })).toBe(true);
    expect(decideChecksumOffload('off', { kernelRelease: '6.1.0' })).toBe(false);
  });

  it.each([
    ['6.1.0-18-amd64', 'virtio_net', true],
    ['5.7.0', undefined, true],
    ['5.6.12', undefined, false],
    ['5.6.13', undefined, true],
    ['5.4.41-generic', undefined, true],
    ['5.4.0-42-generic', undefined, false],
    ['4.19.122', undefined, false],
    ['5.5.19', undefined, false],
    ['3.10.0-1160.el7', undefined, false],
    ['6.1.0', 'vmxnet3', false],
    ['unknown', undefined, true],
  ])('knows kernel %s with driver %s', (kernelRelease, driver, on) => {
    expect(
      decideChecksumOffload('auto', { kernelRelease, ...(driver === undefined ? {} : { driver }) }),
    ).toBe(on);
  });
});
