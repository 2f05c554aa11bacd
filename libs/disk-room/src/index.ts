export { type CommitSize, pagesOfCommit, type TreeSize } from './commit-pages.js';
export { leastDataFileBytes, makeSafeToMap } from './data-file.js';
export { damagedPageOf } from './data-pages.js';
export { DatabaseRoom, type DatabaseSize, type SizedTable } from './database-room.js';
export { FileRoom } from './file-room.js';
export { makeLockRoom } from './lock-room.js';
export { makeFolder } from './make-folder.js';
export { lockFileOf, provideDataFile } from './provide-data-file.js';
