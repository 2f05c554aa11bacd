export type { Fence, Leadership, LogChange, LogSnapshot, OverlayLog } from './overlay-log.js';
