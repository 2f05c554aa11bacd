import { describe, expect, it } from '@jest/globals';
import { FAILURE_CODES, OverlayError } from '@overlay/failure';
import { cniErrorOf } from './cni-error.js';

describe('cniErrorOf', () => {
  it('has a code for every failure: one of the specification or one of ours', () => {
    for (const code of FAILURE_CODES) {
      const error = cniErrorOf(new OverlayError(code, 'why'), 'work', '0.4.0');
      expect(error).toMatchObject({ cniVersion: '0.4.0', msg: 'why', details: code });
      expect([4, 5, 7, 11, 100, 101, 102, 103, 999]).toContain(error.code);
    }
  });

  it.each([
    ['version', 1],
    ['environment', 4],
    ['decoding', 6],
    ['configuration', 7],
    ['work', 7],
  ] as const)('takes invalid input at stage %s for code %i', (stage, code) => {
    const error = cniErrorOf(new OverlayError('invalid_argument', 'why'), stage, undefined);
    expect(error).toMatchObject({ cniVersion: '1.0.0', code });
  });

  it('takes anything else for a fault of the daemon', () => {
    expect(cniErrorOf('odd', 'work', undefined)).toMatchObject({ code: 999, msg: 'odd' });
  });
});
