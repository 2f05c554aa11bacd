/** What a commit writes, as far as its size goes. */
export interface CommitSize {
  /** Keys that are put or removed. */
  readonly keys: number;
  /** Bytes of the keys and values that are put. */
  readonly bytes: number;
}

/** The shape of one of the store's trees. */
export interface TreeSize {
  readonly treeDepth: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
}

/** Pages of the list of free pages that a commit may write anew beside those that it has. */
const SPARE_PAGES = 16;

/**
 * The most pages that an LMDB commit may add to its file. LMDB never writes over a page that it uses: each
 * key's leaf and every branch above it are written anew, what is put may split them, and a value that is large
 * has pages of its own.
 */
export function pagesOfCommit(commit: CommitSize, tree: TreeSize, free: TreeSize, pageBytes: number): number {
  const treePages = tree.treeBranchPageCount + tree.treeLeafPageCount;
  const copied = Math.min(commit.keys * (tree.treeDepth + 1), treePages);
  // Pages are half full at least after a split, and each new leaf may split the branches above it.
  const added = 2 * Math.ceil(commit.bytes / (pageBytes / 2)) + commit.keys + tree.treeDepth + 1;
  const listed = 2 * (free.treeBranchPageCount + free.treeLeafPageCount) + SPARE_PAGES;
  return copied + added + listed;
}
