import type { HostInstant } from '../host-clock.js';
import { isLeftByDocker } from './docker-owner.js';
import type { AllocationRecord } from './records.js';

/**
 * Whether addresses are held by a container that ended with an earlier boot of the host, and whose runtime has not said
 * so yet. No container outlasts its host's boot; what is to be kept over it is reserved, or allocated again.
 */
export function isLeftBehind(record: AllocationRecord, at: HostInstant): boolean {
  return record.ownerKind === 'docker' ? isLeftByDocker(record, at) : record.bootId !== at.bootId;
}
