import { describe, expect, it } from '@jest/globals';
import { formatTable } from './format-table.js';

describe('formatTable', () => {
  it('says how many times better the product is, and whether it reached its goal', () => {
    const table = formatTable({
      measurements: [
        {
          what: 'fill',
          unit: 'ms',
          better: 'lower',
          product: 200,
          counterpart: { name: 'scan', figure: 800 },
          goal: 500,
        },
        {
          what: 'churn',
          unit: '1/s',
          better: 'higher',
          product: 400_000,
          counterpart: { name: 'scan', figure: 800_000 },
          goal: 500_000,
        },
        {
          what: 'heap',
          unit: 'bytes',
          better: 'lower',
          product: 64,
          counterpart: { name: 'bits', figure: 2 ** 45 },
        },
      ],
    });
    expect(table).toBe(
      [
        'measure  unit   overlay  counterpart            ratio             goal',
        'fill     ms     200      scan         800       4x                <= 500      reached',
        'churn    1/s    400,000  scan         800,000   0.5x              >= 500,000  MISSED',
        'heap     bytes  64       bits         3.52e+13  549,755,813,888x',
        '',
      ].join('\n'),
    );
  });

  it('shows what bounds a figure, where anything does', () => {
    const rate = { unit: '1/s', better: 'higher', counterpart: { name: 'raw', figure: 100 } } as const;
    const table = formatTable({
      measurements: [
        { ...rate, what: 'join', product: 40, limit: { name: 'bare call', figure: 50 } },
        { ...rate, what: 'leave', product: 40 },
      ],
    });
    expect(table).toBe(
      [
        'measure  unit  overlay  counterpart       ratio  goal    limit          share',
        'join     1/s   40       raw          100  0.4x           bare call  50  0.8x',
        'leave    1/s   40       raw          100  0.4x',
        '',
      ].join('\n'),
    );
  });
});
