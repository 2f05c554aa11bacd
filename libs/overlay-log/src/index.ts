export { boundBytes, type CommitLimits, CommitRoom, inCommits } from './commit-room.js';
export { type EmbeddedOverlayLogOptions, openEmbeddedOverlayLog } from './embedded/embedded-overlay-log.js';
export type { EtcdOverlayLogOptions } from './etcd/etcd-options.js';
export { openEtcdOverlayLog } from './etcd/etcd-overlay-log.js';
export { encodeRecord } from './log-codec.js';
export { tooLarge } from './log-failures.js';
export { FORMAT_KEY } from './log-format.js';
export { keyOf } from './log-keys.js';
export {
  type CommitOrder,
  type Fence,
  type Leadership,
  type LogChange,
  type LogPosition,
  type LogSnapshot,
  type OverlayLog,
  termOf,
} from './overlay-log.js';
export { exportLog } from './snapshot/export-log.js';
export {
  type ImportOptions,
  type ImportResult,
  importLog,
  requireImportable,
} from './snapshot/import-log.js';
export { unfinishedImport } from './snapshot/unfinished-import.js';
export type { LogProblem, LogRule } from './verify/log-problem.js';
export { verifyLog } from './verify/verify-log.js';
