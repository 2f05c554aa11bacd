import { describe, expect, it } from '@jest/globals';
import { shownValue } from './shown-value.js';

describe('shownValue', () => {
  it.each([
    [7, '7'],
    [null, 'null'],
    ['relative/path', '"relative/path"'],
    [[], '[]'],
    [['a'], 'a list'],
    [{ password: 'secret' }, 'a block'],
    ['-----BEGIN PRIVATE KEY-----\nMIGH\n', 'this text'],
    [`-----BEGIN PRIVATE KEY----- ${'M'.repeat(200)}`, 'this text'],
  ])('shows %j as %s', (value, shown) => {
    expect(shownValue(value)).toBe(shown);
  });
});
