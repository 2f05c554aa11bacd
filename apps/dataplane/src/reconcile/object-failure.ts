import type { KernelObject } from '../kernel/kernel-object.js';

/** An object that could not be written, with the kernel's words. */
export interface ObjectFailure {
  readonly object: KernelObject;
  readonly error: string;
}
