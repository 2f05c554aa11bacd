import { AllocationHalf } from '@overlay/contracts';

/** Which half of a block, in one word. */
export type HalfWord = 'cni' | 'docker' | 'unknown';

/** The word for a half. */
export function halfWord(half: AllocationHalf): HalfWord {
  if (half === AllocationHalf.CNI) return 'cni';
  return half === AllocationHalf.DOCKER ? 'docker' : 'unknown';
}
