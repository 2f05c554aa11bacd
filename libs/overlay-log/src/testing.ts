export { type CommitFault, MemoryLogStore, MemoryOverlayLog } from './memory/memory-overlay-log.js';
export { describeOverlayLog, type OpenedLog } from './overlay-log-contract.js';
