import { describe, expect, it } from '@jest/globals';
import { pagesOfCommit } from './commit-pages.js';

const EMPTY = { treeDepth: 0, treeBranchPageCount: 0, treeLeafPageCount: 0 };

describe('pagesOfCommit', () => {
  it('grows with what is written, and counts no page of the tree twice', () => {
    const tree = { treeDepth: 3, treeBranchPageCount: 4, treeLeafPageCount: 300 };
    const one = pagesOfCommit({ keys: 1, bytes: 300 }, tree, EMPTY, 4096);
    const many = pagesOfCommit({ keys: 1000, bytes: 300_000 }, tree, EMPTY, 4096);
    expect(one).toBeLessThan(40);
    expect(many).toBeGreaterThan(300_000 / 4096 + 304);
    expect(many).toBeLessThan(2000);
  });

  it('has room for a value of many pages', () => {
    expect(pagesOfCommit({ keys: 1, bytes: 100_000 }, EMPTY, EMPTY, 4096)).toBeGreaterThan(100_000 / 4096);
  });
});
