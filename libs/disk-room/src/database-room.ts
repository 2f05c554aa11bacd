import { type CommitSize, pagesOfCommit, type TreeSize } from './commit-pages.js';
import { FileRoom } from './file-room.js';

/** What lmdb tells of a database as a whole. */
export interface DatabaseSize extends TreeSize {
  readonly pageSize: number;
  readonly lastPageNumber: number;
  /** The tree of pages that are free to be used again. */
  readonly free: TreeSize;
}

/** A table of lmdb, as far as its size goes. */
export interface SizedTable {
  /** Its statistics; those of a database's root are a {@link DatabaseSize}. */
  getStats(): object;
}

/** Pages for what several commits that lmdb writes together take beside each other. */
const SHARED_PAGES = 32;

/** The room for the commits of one lmdb database, so that lmdb never meets a full disk itself. */
export class DatabaseRoom {
  readonly #file: FileRoom;
  readonly #root: SizedTable;
  readonly #tables: readonly SizedTable[];

  /** @param path of the data file. @param tables that commits write to, beside the root. */
  constructor(path: string, root: SizedTable, tables: readonly SizedTable[] = []) {
    this.#file = new FileRoom(path);
    this.#root = root;
    this.#tables = tables;
  }

  /**
   * Makes the room that a commit may need, before it begins. Repeatable.
   * @throws the file system's error, with its reason; the content is as it was then.
   */
  ensure(commit: CommitSize): void {
    const size = this.#root.getStats() as DatabaseSize;
    const trees = [size, ...this.#tables.map((table) => table.getStats() as TreeSize)];
    const tree: TreeSize = {
      treeDepth: Math.max(...trees.map(({ treeDepth }) => treeDepth)) + 1,
      treeBranchPageCount: sumOf(trees.map(({ treeBranchPageCount }) => treeBranchPageCount)),
      treeLeafPageCount: sumOf(trees.map(({ treeLeafPageCount }) => treeLeafPageCount)),
    };
    const pages = pagesOfCommit(commit, tree, size.free, size.pageSize) + SHARED_PAGES;
    this.#file.ensure((size.lastPageNumber + 1 + pages) * size.pageSize);
  }
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
