import type { HostInstant } from '../host-clock.js';
import { isLeftByDocker } from './docker-owner.js';
import type { AllocationRecord } from './records.js';

/**
 * Whether addresses are held by a container that ended with an earlier boot of the host, and whose runtime has not said
 * so yet. What came without a network namespace is a framework's, which alone knows when it ends.
 */
export function isLeftBehind(record: AllocationRecord, at: HostInstant): boolean {
  if (record.networkNamespace === undefined) return isLeftByDocker(record, at);
  return record.bootId !== at.bootId;
}
