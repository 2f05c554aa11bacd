import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FAILURE_CODES, isFailure, OverlayError, toOverlayError } from './overlay-error.js';

describe('OverlayError', () => {
  it('carries its code, message, violations, leader and cause', () => {
    const cause = new Error('disk');
    const violations = [{ field: 'subnet', description: 'overlaps 9.0.0.0/8' }];
    const error = new OverlayError('unavailable', 'no leader', {
      violations,
      leader: '10.0.0.1:5060',
      cause,
    });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'OverlayError', code: 'unavailable', message: 'no leader' });
    expect(error).toMatchObject({ violations, leader: '10.0.0.1:5060', cause });
  });

  it('has no cause, no violations and no leader unless given', () => {
    const error = new OverlayError('internal', 'broken');
    expect('cause' in error).toBe(false);
    expect(error.violations).toEqual([]);
    expect(error.leader).toBeUndefined();
  });

  it('says one violation in one line', () => {
    const error = OverlayError.invalid([{ field: 'name', description: 'is missing' }]);
    expect(error.code).toBe('invalid_argument');
    expect(error.message).toBe('name: is missing');
  });

  it('lists several violations, one a line', () => {
    const violations = [
      { field: 'name', description: 'is missing' },
      { field: 'prefix', description: '33 is too long' },
    ];
    const error = OverlayError.invalid(violations, 'network');
    expect(error.message).toBe('the network has 2 errors:\n  name: is missing\n  prefix: 33 is too long');
    expect(error.violations).toEqual(violations);
  });

  it('stays readable without violations', () => {
    expect(OverlayError.invalid([], 'network').message).toBe('the network is wrong');
  });
});

describe('isFailure', () => {
  it('knows the class and the code', () => {
    for (const code of FAILURE_CODES) {
      const error = new OverlayError(code, 'x');
      expect(isFailure(error)).toBe(true);
      expect(FAILURE_CODES.filter((other) => isFailure(error, other))).toEqual([code]);
    }
  });

  it('is false for everything else', () => {
    for (const other of [new Error('x'), { code: 'internal' }, 'internal', null, undefined]) {
      expect(isFailure(other)).toBe(false);
    }
  });
});

describe('toOverlayError', () => {
  it('passes an OverlayError unchanged', () => {
    const error = new OverlayError('not_found', 'x');
    expect(toOverlayError(error)).toBe(error);
  });

  it('keeps the original as the cause', () => {
    const thrown = new TypeError('x is not a function');
    const error = toOverlayError(thrown);
    expect(error).toMatchObject({ code: 'internal', message: 'x is not a function' });
    expect(error.cause).toBe(thrown);
  });

  it('converts anything', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true }), (thrown) => {
        const error = toOverlayError(thrown);
        expect(error.code).toBe('internal');
        expect(typeof error.message).toBe('string');
      }),
    );
  });

  it('converts what refuses to be shown', () => {
    const rude = {
      toString() {
        throw new Error('no');
      },
    };
    const withoutMessage = Object.defineProperty(new Error('x'), 'message', {
      get() {
        throw new Error('no');
      },
    });
    for (const thrown of [rude, withoutMessage, Object.create(null), Symbol('s')]) {
      expect(toOverlayError(thrown).code).toBe('internal');
      expect(toOverlayError(thrown).message).not.toBe('');
    }
  });
});
