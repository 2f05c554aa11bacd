import { describe, expect, it } from '@jest/globals';
import { parseBatchErrors } from './batch-errors.js';

describe('parseBatchErrors', () => {
  it('gives each failed line its words', () => {
    const stderr = [
      'RTNETLINK answers: File exists',
      'Command failed -:2',
      'Error: Nexthop id does not exist.',
      'hint',
      'Command failed -:5',
      '',
    ].join('\n');
    const { byLine, rest } = parseBatchErrors(stderr);
    expect([...byLine]).toEqual([
      [2, 'RTNETLINK answers: File exists'],
      [5, 'Error: Nexthop id does not exist.; hint'],
    ]);
    expect(rest).toBe('');
  });

  it('tells when the tool gave up', () => {
    expect(parseBatchErrors('Command failed -:1\nError: garbage\n')).toEqual({
      byLine: new Map([[1, 'refused without a reason']]),
      rest: 'Error: garbage',
    });
  });
});
