import { describe, expect, it } from '@jest/globals';
import { errnoOf } from './errno-of.js';

describe('errnoOf', () => {
  it('tells the code of what the system says', () => {
    expect(errnoOf(Object.assign(new Error('no such file or directory'), { code: 'ENOENT' }))).toBe('ENOENT');
  });

  it.each([[new Error('no code')], ['text'], [null], [undefined]])('tells none of %p', (thrown) => {
    expect(errnoOf(thrown)).toBe('');
  });
});
