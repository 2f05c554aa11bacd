import { OverlayError } from '@overlay/failure';
import type { Bench } from './bench.js';

/**
 * The benches with the given names in the order given; all of them for no name.
 * @throws OverlayError `invalid_argument` that names the unknown and the known ones.
 */
export function selectBenches(benches: readonly Bench[], names: readonly string[]): readonly Bench[] {
  if (names.length === 0) return benches;
  return names.map((name) => {
    const bench = benches.find((candidate) => candidate.name === name);
    if (bench !== undefined) return bench;
    const known = benches.map((candidate) => candidate.name).join(', ');
    throw new OverlayError('invalid_argument', `there is no bench "${name}"; there are: ${known}`);
  });
}
