import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type OrderedList, type Page, pageOf } from './pagination.js';

/** A list of numbers, with a count of those that were read. */
function listOf(numbers: readonly number[], matches?: (item: number) => boolean) {
  const read = { count: 0 };
  const keyOf = (item: number) => String(item).padStart(6, '0');
  const sorted = [...numbers].sort((a, b) => a - b);
  const list: OrderedList<number> = {
    keyOf,
    *after(key = '') {
      for (const item of sorted.filter((each) => keyOf(each) > key)) {
        read.count += 1;
        yield item;
      }
    },
    ...(matches === undefined ? {} : { matches }),
  };
  return { list, read };
}

function pagesOf(nextPage: (pageToken: string) => Page<number>): readonly Page<number>[] {
  const pages = [nextPage('')];
  for (let token = pages[0]?.nextPageToken; token !== undefined && token !== ''; ) {
    const page = nextPage(token);
    pages.push(page);
    token = page.nextPageToken;
  }
  return pages;
}

const itemsOf = (pages: readonly Page<number>[]) => pages.flatMap(({ items }) => items);
const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { maxLength: 40 });

describe('pageOf', () => {
  it('gives everything once, in order, in full pages', () => {
    fc.assert(
      fc.property(
        numbers,
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(1, 3),
        (all, pageSize, divisor) => {
          const { list } = listOf(all, (item) => item % divisor === 0);
          const pages = pagesOf((pageToken) => pageOf(list, { pageSize, pageToken, defaultSize: 500 }));
          const wanted = all.filter((item) => item % divisor === 0).sort((a, b) => a - b);
          expect(itemsOf(pages)).toEqual(wanted);
          expect(pages).toHaveLength(Math.max(1, Math.ceil(wanted.length / pageSize)));
        },
      ),
    );
  });

  it('gives every item once that is there all the time, whatever comes and goes between pages', () => {
    fc.assert(
      fc.property(numbers, fc.array(numbers, { minLength: 1, maxLength: 5 }), (stay, visitors) => {
        let turn = 0;
        const pages = pagesOf((pageToken) => {
          const now = new Set([...stay, ...(visitors[turn % visitors.length] ?? [])]);
          turn += 1;
          return pageOf(listOf([...now]).list, { pageSize: 3, pageToken, defaultSize: 500 });
        });
        const items = itemsOf(pages);
        expect(items).toEqual([...new Set(items)].sort((a, b) => a - b));
        expect(stay.every((item) => items.includes(item))).toBe(true);
      }),
    );
  });

  it('reads no more than the page and the item after it', () => {
    const { list, read } = listOf(Array.from({ length: 5_000 }, (_, at) => at));
    expect(pageOf(list, { pageSize: 7, pageToken: '', defaultSize: 500 }).items).toHaveLength(7);
    expect(read.count).toBe(8);
  });

  it('looks at a bounded number of items where few match, and goes on from there', () => {
    const { list, read } = listOf(
      Array.from({ length: 25_000 }, (_, at) => at),
      (item) => item === 24_000,
    );
    const pages = pagesOf((pageToken) => {
      read.count = 0;
      const page = pageOf(list, { pageSize: 7, pageToken, defaultSize: 500 });
      expect(read.count).toBeLessThanOrEqual(10_001);
      return page;
    });
    expect(pages.map(({ items }) => items)).toEqual([[], [], [24_000]]);
  });

  it('ends a page before it is larger than a message may be, and gives everything once', () => {
    const kib = (item: number) => (item === 3 ? 5_000 : item) * 1024;
    const { list } = listOf([1, 2, 3, 300, 400, 500, 600], (item) => item !== 2);
    const pages = pagesOf((pageToken) =>
      pageOf({ ...list, bytesOf: kib }, { pageSize: 0, pageToken, defaultSize: 500 }),
    );
    expect(pages.map(({ items }) => items)).toEqual([[1], [3], [300, 400], [500], [600]]);
  });

  it('refuses pages that are too large and tokens that no page gave', () => {
    const { list } = listOf([1]);
    const ask = (pageSize: number, pageToken: string) => () =>
      pageOf(list, { pageSize, pageToken, defaultSize: 500 });
    expect(ask(1_001, '')).toThrow('page_size: 1001');
    expect(ask(1, 'junk')).toThrow('page_token: "junk"');
  });
});
