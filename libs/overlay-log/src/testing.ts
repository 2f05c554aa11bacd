export type { OpenedLog } from './contract/log-steps.js';
export { type CommitFault, MemoryLogStore, MemoryOverlayLog } from './memory/memory-overlay-log.js';
export { describeOverlayLog } from './overlay-log-contract.js';
