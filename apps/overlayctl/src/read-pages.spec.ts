import { describe, expect, it } from '@jest/globals';
import { readAllPages } from './read-pages.js';

describe('readAllPages', () => {
  it('follows the tokens to the last page', async () => {
    const pages: Readonly<Record<string, { items: readonly number[]; nextPageToken: string }>> = {
      '': { items: [1, 2], nextPageToken: 'a' },
      a: { items: [], nextPageToken: 'b' },
      b: { items: [3], nextPageToken: '' },
    };
    const asked: string[] = [];
    const items = await readAllPages(async (token) => {
      asked.push(token);
      return pages[token] ?? { items: [], nextPageToken: '' };
    });
    expect({ items, asked }).toEqual({ items: [1, 2, 3], asked: ['', 'a', 'b'] });
  });
});
