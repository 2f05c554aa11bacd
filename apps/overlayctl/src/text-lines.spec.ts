import { describe, expect, it } from '@jest/globals';
import { joinLines, splitLines } from './text-lines.js';

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield item;
}

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const taken: T[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}

describe('splitLines', () => {
  it.each<[readonly string[], readonly string[]]>([
    [[], []],
    [['a\nb\n'], ['a', 'b']],
    [
      ['a', 'b\nc'],
      ['ab', 'c'],
    ],
    [
      ['a\n', '\n', 'b'],
      ['a', '', 'b'],
    ],
  ])('makes of %j the lines %j', async (pieces, lines) => {
    expect(await all(splitLines(each(pieces)))).toEqual(lines);
  });
});

describe('joinLines', () => {
  it('brings lines back in few pieces', async () => {
    const lines = Array.from({ length: 5_000 }, (_, index) => `line ${index} ${'x'.repeat(40)}`);
    const pieces = await all(joinLines(each(lines)));
    expect(pieces.length).toBeLessThan(10);
    expect(await all(splitLines(each(pieces)))).toEqual(lines);
  });
});
