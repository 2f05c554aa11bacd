import { describe, expect, it } from '@jest/globals';
import { renderFacts, renderTable } from './render-table.js';

describe('renderTable', () => {
  it('aligns columns, shows what is missing and leaves no blanks at the ends', () => {
    const text = renderTable(
      ['NAME', 'SUBNET', 'NOTE'],
      [
        ['dcos', '9.0.0.0/8', ''],
        ['a-longer-name', '', 'here'],
      ],
    );
    expect(text).toBe(
      [
        'NAME           SUBNET     NOTE',
        'dcos           9.0.0.0/8  -',
        'a-longer-name  -          here',
      ].join('\n'),
    );
  });

  it('keeps the columns of a list that is laid out in parts', () => {
    const rows = Array.from({ length: 1_203 }, (_, index) => [`row-${index}`, 'x']);
    const lines = renderTable(['NAME', 'X'], rows).split('\n');
    expect(lines).toHaveLength(1_204);
    expect(lines[0]).toBe('NAME      X');
    expect(lines[500]).toBe('row-499   x');
    expect(lines[1_203]).toBe('row-1202  x');
  });

  it('lets no cell steer the terminal or break a line', () => {
    const text = renderTable(['ERROR'], [['boom\n\u001b[2Jgone\u009b31m']]);
    expect(text).toBe('ERROR\nboom [2Jgone 31m');
  });

  it('keeps marks of other scripts whole', () => {
    expect(renderTable(['LABEL'], [['größe']])).toBe('LABEL\ngröße');
  });
});

describe('renderFacts', () => {
  it('leaves out what has no value', () => {
    expect(
      renderFacts([
        ['name', 'dcos'],
        ['subnet6', ''],
        ['id', '1'],
      ]),
    ).toBe('name  dcos\nid    1');
  });
});
